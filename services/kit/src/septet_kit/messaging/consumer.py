"""The stage runtime: one consumer per process, key lanes inside it, offsets committed contiguously."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import ConsumerRecord

from septet_kit.messaging.diagnosis import diagnose, forbidden
from septet_kit.messaging.lanes import Lanes
from septet_kit.messaging.offsets import OffsetTracker
from septet_kit.messaging.step import Job, StepRunner, to_job
from septet_kit.observe import metrics
from septet_kit.observe.logs import get_logger
from septet_kit.settings import KitSettings
from septet_kit.spec import ServiceSpec, Stage
from septet_kit.tenants import Tenants

log = get_logger()

_POLL_MS = 250
_POLL_RECORDS = 200
_QUEUED_PER_LANE = 4
_FORBIDDEN = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)


class StageConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Feeds a service's stages.

    A record is taken, decoded and pushed into its stage's lanes; when its step has run, its offset is
    finished, and a committer commits each partition up to its lowest unfinished offset. A stage whose lanes
    are full has its partitions paused, tenants' own topics along with the shared one: a stage has as many lanes
    however many tenants it serves. Records of a partition that was revoked run to their end, but their
    offsets no longer count: whoever owns the partition now handles them again.
    """

    def __init__(
        self, spec: ServiceSpec, stages: Mapping[str, Stage], settings: KitSettings, instance: str,
        tenants: Tenants,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._tenants = tenants
        self._stages = {full: stages[name] for full, name in tenants.addresses(stages).items()}
        self._lanes: dict[str, Lanes[tuple[Job, OffsetTracker]]] = {
            stage.topic: Lanes(stage.concurrency) for stage in stages.values()
        }
        self._trackers: dict[TopicPartition, OffsetTracker] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused: set[str] = set()
        self._stopping = False
        self._fatal: Exception | None = None
        self._unsettled = False
        self.last_progress = time.monotonic()
        self._consumer = AIOKafkaConsumer(
            **settings.kafka().options(), client_id=instance, group_id=f"septet.{spec.name}",
            group_instance_id=instance, enable_auto_commit=False, auto_offset_reset="earliest",
            session_timeout_ms=int(settings.session_timeout.total_seconds() * 1000),
            heartbeat_interval_ms=int(settings.session_timeout.total_seconds() * 300),
            max_partition_fetch_bytes=2 * 1024 * 1024 + 4096,
        )  # fmt: skip

    def beat(self) -> None:
        """Note progress, for the watchdog."""
        self.last_progress = time.monotonic()

    async def start(self) -> None:
        """Connect and join the group.

        Raises:
            Permanent: Kafka refuses the credentials, the group or a topic.
            Transient: it does not answer.
        """
        self._consumer.subscribe(list(self._stages), listener=self)
        try:
            await self._consumer.start()
        except KafkaConnectionError as error:
            await self._consumer.stop()
            raise await diagnose(self._settings.kafka()) from error
        except _FORBIDDEN as error:
            await self._consumer.stop()
            raise forbidden(self._settings.kafka(), error) from error

    @property
    def assigned(self) -> bool:
        """Whether the group has given this process its partitions."""
        return bool(self._consumer.assignment())

    @property
    def in_flight(self) -> int:
        return sum(t.in_flight for t in self._trackers.values())

    async def run(self, runner: StepRunner, settle: Callable[[], Awaitable[None]]) -> None:
        """Fetch and dispatch until :meth:`drain` is called.

        ``settle`` is awaited before the first record after each assignment: it sends what whoever had the partitions
        before has left.

        Raises:
            RuntimeError: a step ended without an outcome; only a restart takes its record up again.
            Permanent: the principal may not read a topic, or not in this group.
        """
        while not self._stopping:
            if self._fatal is not None:
                raise RuntimeError("a step did not end") from self._fatal
            try:
                batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
            except _FORBIDDEN as error:
                raise forbidden(self._settings.kafka(), error) from error
            if batches and self._unsettled:
                self._unsettled = False
                await settle()
                if self._unsettled:
                    # The group has moved on meanwhile: whoever has these records now gets them from the log.
                    continue
            for tp, records in batches.items():
                tracker = self._trackers.setdefault(tp, OffsetTracker())
                self.beat()
                for record in records:
                    self._accept(runner, tracker, record)
            self._balance()

    def _accept(self, runner: StepRunner, tracker: OffsetTracker, record: ConsumerRecord) -> None:
        tracker.begin(record.offset)
        job = to_job(record, self._stages[record.topic], self._tenants)
        lanes = self._lanes[job.stage.topic]
        for ready in lanes.push(job.lane, (job, tracker)):
            self._spawn(runner, *ready)

    def _spawn(self, runner: StepRunner, job: Job, tracker: OffsetTracker) -> None:
        task = asyncio.create_task(self._work(runner, job, tracker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, runner: StepRunner, job: Job, tracker: OffsetTracker) -> None:
        try:
            await runner.run(job)
        except Exception as error:
            # The offset stays unfinished and holds the commit back. The record is handled again after a
            # restart, which cannot wait: its key and its place in the lanes are taken.
            log.exception("step did not end", topic=job.record.topic, offset=job.record.offset)
            self._fatal = error
            return
        tracker.finish(job.record.offset)
        self.beat()
        if self._stopping:
            return
        for ready in self._lanes[job.stage.topic].done(job.lane):
            self._spawn(runner, *ready)

    def _balance(self) -> None:
        """Pause stages whose lanes are full, and resume those that have drained to half."""
        for name, lanes in self._lanes.items():
            metrics.lane_depth.labels(name).set(lanes.depth)
            bound = lanes.limit * _QUEUED_PER_LANE
            if lanes.depth >= bound and name not in self._paused:
                self._consumer.pause(*self._partitions(name))
                self._paused.add(name)
            elif name in self._paused and lanes.depth <= bound // 2:
                self._consumer.resume(*self._partitions(name))
                self._paused.discard(name)

    def _partitions(self, stage: str) -> list[TopicPartition]:
        """What this process reads for a stage."""
        return [tp for tp in self._consumer.assignment() if self._stages[tp.topic].topic == stage]

    async def commit_loop(self) -> None:
        """Commit what is done, every ``commit_interval``."""
        while True:
            await asyncio.sleep(self._settings.commit_interval.total_seconds())
            await self.commit()

    async def commit(self) -> None:
        """Commit each assigned partition up to its lowest unfinished offset."""
        assigned = self._consumer.assignment()
        offsets = {
            tp: offset
            for tp, tracker in self._trackers.items()
            if tp in assigned and (offset := tracker.committable()) is not None
        }
        if not offsets:
            return
        try:
            await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("commit refused, the group has moved on", error=str(error))
            return
        except KafkaError as error:
            log.warning("commit failed, trying again", error=repr(error))
            return
        for tp, offset in offsets.items():
            if (tracker := self._trackers.get(tp)) is not None:
                tracker.committed(offset)

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Give work in flight a moment to end, commit it, then forget the partitions."""
        self._unsettled = True
        deadline = time.monotonic() + 2.0
        while self.in_flight and time.monotonic() < deadline:  # noqa: ASYNC110 - many tasks, one count
            await asyncio.sleep(0.02)
        await self.commit()
        for tp in revoked:
            self._trackers.pop(tp, None)
            metrics.lag.remove(tp.topic, str(tp.partition))

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Start the assignment afresh; a pause does not survive it."""
        for tp in assigned:
            self._trackers[tp] = OffsetTracker()
        self._paused.clear()
        self._unsettled = True
        log.info("partitions assigned", count=len(assigned))

    async def lag(self) -> int:
        """Records between this consumer's positions and the ends of its partitions."""
        assigned = list(self._consumer.assignment())
        if not assigned:
            return 0
        ends = await self._consumer.end_offsets(assigned)
        total = 0
        for tp, end in ends.items():
            behind = max(0, end - await self._consumer.position(tp))
            metrics.lag.labels(tp.topic, str(tp.partition)).set(behind)
            total += behind
        return total

    async def drain(self, grace_s: float) -> None:
        """Stop fetching, let running steps end within ``grace_s`` seconds, commit, and leave."""
        self._stopping = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1)
        await self.commit()
        await self._consumer.stop()
