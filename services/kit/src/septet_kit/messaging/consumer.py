"""One consumer per process: fetches records for the dispatcher and commits what it has finished."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import ConsumerRecord

from septet_kit.messaging.batches import UndecodableRecord, tolerant_consumer
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.crash_guard import NO_TRAIL, Trail
from septet_kit.messaging.diagnosis import diagnose, forbidden
from septet_kit.messaging.dispatcher import Dispatcher, StepFailed
from septet_kit.messaging.progress import Progress
from septet_kit.messaging.step import StepRunner
from septet_kit.namespace import Namespace
from septet_kit.observe import metrics
from septet_kit.observe.logs import get_logger
from septet_kit.spec import ServiceSpec, Stage, group_of
from septet_kit.tenants import Tenants

log = get_logger()

_POLL_MS = 250
_POLL_RECORDS = 100
_REVOKE_GRACE_S = 2.0
# Decoding a megabyte takes up to 13 ms, in which the event loop does nothing else.
_TURN_BYTES = 256 * 1024
_FORBIDDEN = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)
_MOVED_ON = (CommitFailedError, IllegalStateError)

Batches = Mapping[TopicPartition, list[ConsumerRecord[bytes, bytes]]]


class ConsumerSettings(Protocol):
    """The settings of a service that its consumer reads."""

    max_in_flight_bytes: int
    commit_interval: timedelta
    session_timeout: timedelta

    @property
    def names(self) -> Namespace:
        """The mapping of all names of this process."""
        ...

    def kafka(self) -> KafkaConnection:
        """How this process connects to Kafka."""
        ...


def open_client(spec: ServiceSpec, settings: ConsumerSettings, instance: str) -> Any:
    """Build the Kafka client of a service's consumer."""
    session_ms = settings.session_timeout.total_seconds() * 1000
    return tolerant_consumer(
        **settings.kafka().options(),
        client_id=instance,
        group_id=settings.names.qualify(group_of(spec.name)),
        group_instance_id=instance,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=int(session_ms),
        heartbeat_interval_ms=int(session_ms * 0.3),
        max_partition_fetch_bytes=2 * 1024 * 1024 + 4096,
        fetch_max_bytes=8 * 1024 * 1024,
        isolation_level="read_committed",
    )


class StageConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Feeds a service's stages from its consumer group.

    A record is decoded and pushed into its stage's lanes; when its step has run, its offset is finished, and a
    committer commits each partition up to its lowest unfinished offset. Partitions are paused while a bound is met
    (:meth:`Dispatcher.pauses`). Records of a revoked partition run to their end, but their offsets no longer count:
    the new owner handles them again.
    """

    def __init__(
        self,
        client: Any,
        stages: Mapping[str, Stage],
        settings: ConsumerSettings,
        tenants: Tenants,
        runner: StepRunner,
        progress: Progress,
    ) -> None:
        self._client = client
        self._settings = settings
        self._progress = progress
        by_topic = {full: stages[name] for full, name in tenants.addresses(stages).items()}
        self._topics = list(by_topic)
        self._dispatcher = Dispatcher(
            by_topic, tenants, runner.run, self._store, progress, settings.max_in_flight_bytes
        )
        self._stopping = False
        self._unsettled = False
        self._keep_trails = False

    async def start(self) -> None:
        """Connect and join the group.

        Raises:
            Permanent: Kafka refuses the credentials, the group or a topic.
            Transient: it does not answer.
        """
        self._client.subscribe(self._topics, listener=self)
        try:
            await self._client.start()
        except KafkaConnectionError as error:
            await self._client.stop()
            raise await diagnose(self._settings.kafka()) from error
        except _FORBIDDEN as error:
            await self._client.stop()
            raise forbidden(self._settings.kafka(), error) from error

    @property
    def assigned(self) -> bool:
        """Whether the group has given this process its partitions."""
        return bool(self._client.assignment())

    @property
    def in_flight(self) -> int:
        """Records that are fetched and not finished."""
        return self._dispatcher.in_flight

    async def run(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Fetch and dispatch until :meth:`drain` is called.

        ``settle`` is awaited before the first record after each assignment: it sends what the previous owner of the
        partitions has left.

        Raises:
            StepFailed: a step ended without an outcome.
            Permanent: the principal may not read a topic, or not in this group.
        """
        while not self._stopping:
            if self._dispatcher.failure is not None:
                raise StepFailed("a step did not end") from self._dispatcher.failure
            batches = await self._poll()
            if batches and self._unsettled:
                self._unsettled = False
                await settle()
                if self._unsettled:
                    # The group has moved on meanwhile: the new owner of these records gets them from the log.
                    continue
            if not await self._begin(batches) or (batches and self._unsettled):
                # The group has moved on while the start was counted.
                continue
            await self._accept(batches)
            self._balance()

    async def _poll(self) -> Batches:
        try:
            batches: Batches = await self._client.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
        except _FORBIDDEN as error:
            raise forbidden(self._settings.kafka(), error) from error
        except RecordTooLargeError as error:
            # A batch that no fetch can hold whole; aiokafka has moved past its first offset.
            _, tp, offset, *_ = error.args
            batches = {tp: [UndecodableRecord.at(tp, offset, "the batch is larger than a fetch")]}
        return batches

    async def _accept(self, batches: Batches) -> None:
        """Hand records to the dispatcher, which decodes them, with a turn of the event loop after some bytes.

        Stops when the group moves on meanwhile: the new owner gets the other records from the log.
        """
        taken = 0
        for tp, records in batches.items():
            for record in records:
                taken += self._dispatcher.accept(tp, record)
                if taken > _TURN_BYTES:
                    taken = 0
                    await asyncio.sleep(0)
                    if self._unsettled:
                        return

    async def _begin(self, batches: Batches) -> bool:
        """Count the start of this process for partitions of which it has handled nothing yet.

        Returns whether the records may be handled: not when the group has moved on.
        """
        new = self._dispatcher.unbegun(batches)
        if not new:
            return True
        trails = await self._trails(new)
        begun = {tp: (batches[tp][0].offset, trails.get(tp, NO_TRAIL).started()) for tp in new}
        try:
            await self._client.commit({tp: (offset, str(trail)) for tp, (offset, trail) in begun.items()})
        except _MOVED_ON as error:
            log.warning("records discarded, the group has moved on", error=str(error))
            return False
        except KafkaError as error:
            log.warning("start not counted", error=repr(error))
        for tp, (offset, trail) in begun.items():
            self._dispatcher.begin(tp, trail, offset, self._client.highwater(tp) or offset + 1)
        return True

    async def _trails(self, tps: list[TopicPartition]) -> dict[TopicPartition, Trail]:
        """What earlier processes left. aiokafka's public ``committed`` leaves the metadata out."""
        try:
            found = await self._client._coordinator.fetch_committed_offsets(tps)
        except KafkaError as error:
            log.warning("trails not read", error=repr(error))
            return {}
        return {tp: Trail.parse(committed.metadata) for tp, committed in found.items()}

    def _balance(self) -> None:
        pause, resume = self._dispatcher.pauses(self._client.assignment())
        if pause:
            self._client.pause(*pause)
        if resume:
            self._client.resume(*resume)

    async def commit_loop(self) -> None:
        """Commit what is done, every ``commit_interval``."""
        while True:
            await asyncio.sleep(self._settings.commit_interval.total_seconds())
            await self.commit()

    async def commit(self) -> None:
        """Commit each assigned partition up to its lowest unfinished offset."""
        assigned = self._client.assignment()
        offsets = {tp: o for tp, o in self._dispatcher.committable().items() if tp in assigned}
        if await self._store({tp: (offset, "") for tp, offset in offsets.items()}):
            self._dispatcher.committed(offsets)

    async def _store(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> bool:
        """Commit offsets with metadata; whether the broker has them."""
        if not offsets:
            return False
        try:
            await self._client.commit(dict(offsets))
        except _MOVED_ON as error:
            log.warning("commit refused, the group has moved on", error=str(error))
            return False
        except KafkaError as error:
            log.warning("commit failed, trying again", error=repr(error))
            return False
        return True

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Give work in flight a moment to end, commit it, then forget the partitions."""
        self._unsettled = True
        deadline = time.monotonic() + _REVOKE_GRACE_S
        while self.in_flight and time.monotonic() < deadline:  # noqa: ASYNC110 - many tasks, one count
            await asyncio.sleep(0.02)
        await self.commit()
        await self._wipe_trails()
        self._dispatcher.revoke(revoked)
        for tp in revoked:
            metrics.lag.remove(tp.topic, str(tp.partition))

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Start the assignment afresh."""
        self._dispatcher.assign(assigned)
        self._unsettled = True
        log.info("partitions assigned", count=len(assigned))

    async def lag(self) -> int:
        """Records between this consumer's positions and the ends of its partitions."""
        assigned = list(self._client.assignment())
        if not assigned:
            return 0
        ends = await self._client.end_offsets(assigned)
        total = 0
        for tp, end in ends.items():
            behind = max(0, end - await self._client.position(tp))
            metrics.lag.labels(tp.topic, str(tp.partition)).set(behind)
            total += behind
        return total

    def keep_trails(self) -> None:
        """Leave trails to the next process: a record that is in flight may be why this one ends."""
        self._keep_trails = True

    async def drain(self, grace_s: float) -> None:
        """Stop fetching, let running steps end within ``grace_s`` seconds, commit, and leave."""
        self._stopping = True
        await self._dispatcher.drain(grace_s)
        await self.commit()
        if not self._keep_trails and self._dispatcher.failure is None:
            await self._wipe_trails()
        await self._client.stop()

    async def _wipe_trails(self) -> None:
        """This process ends, or loses partitions, in good order: no record is suspected."""
        assigned = self._client.assignment()
        await self._store({tp: (o, "") for tp, o in self._dispatcher.trails().items() if tp in assigned})
