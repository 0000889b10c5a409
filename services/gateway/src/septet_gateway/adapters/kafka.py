"""The log on Kafka: publishes events of clients, follows their results from the end, and finds earlier responses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError
from pydantic import BaseModel, ValidationError
from septet_contracts import (
    DeleteDocument,
    DocumentChanged,
    FeedbackEvent,
    ReleasedTokens,
    Request,
    Response,
    UpsertDocument,
    peek,
)
from septet_kit.errors import Transient
from septet_kit.events import Emit
from septet_kit.messaging.batches import UndecodableRecord, tolerant_consumer
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.diagnosis import diagnose
from septet_kit.messaging.producer import ProducerFailed
from septet_kit.messaging.publisher import Publisher
from septet_kit.observe import get_logger
from septet_kit.tenants import Tenants

from septet_gateway.application.indexing import Changes
from septet_gateway.application.waiting import Waiting
from septet_gateway.domain.identity import is_response_to
from septet_gateway.telemetry import lookups

Event = TypeVar("Event", bound=BaseModel)

log = get_logger()

_MAX_FETCH = 2 * 1024 * 1024
_POLL_MS = 1000
# The database's clock dates a request, and the broker's clock dates its response.
_CLOCK_SKEW = timedelta(minutes=1)
_SEARCHES = 4
_STOP_S = 2.0
# The event loop keeps weak references to tasks.
_stopping: set[asyncio.Future[None]] = set()


@dataclass(frozen=True)
class _Sink:
    """What takes the events of a topic: those of calls that wait for them."""

    topic: str
    contract: type[BaseModel]
    is_expected: Callable[[str, str], bool]
    deliver: Callable[[Any], None]


class Follower:
    """Reads responses, released text and changed documents of all tenants from the end, without a consumer group.

    A response that this process misses is on the log, where :meth:`KafkaLog.find` finds it.
    """

    def __init__(self, kafka: KafkaConnection, tenants: Tenants, waiting: Waiting, changes: Changes) -> None:
        self._kafka = kafka
        sinks: tuple[_Sink, ...] = (
            _Sink("responses", Response, waiting.is_expected, waiting.deliver),
            _Sink("released-tokens", ReleasedTokens, waiting.partials.is_expected, waiting.partials.deliver),
            _Sink("documents-changed", DocumentChanged, changes.is_expected, changes.deliver),
        )
        self._sinks = {topic: sink for sink in sinks for topic in tenants.addresses([sink.topic])}

    @asynccontextmanager
    async def following(self) -> AsyncIterator[Callable[[], Any]]:
        """Start to follow; yields the task's function. No response is missed from here on.

        Raises:
            Transient, Permanent: Kafka does not answer, refuses the credentials, or a topic does not exist.
        """
        async with _consumer(self._kafka, auto_offset_reset="latest") as consumer:
            consumer.subscribe([*self._sinks])
            await _partitions(consumer, self._sinks)
            await consumer.seek_to_end()
            for partition in consumer.assignment():
                await consumer.position(partition)

            async def run() -> None:
                while True:
                    for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                        for record in records:
                            self._receive(record)

            yield run

    def _receive(self, record: Any) -> None:
        if isinstance(record, UndecodableRecord) or not record.value:
            return
        sink, ids = self._sinks[record.topic], peek(record.value)
        if ids.request_id is None or not sink.is_expected(ids.tenant, ids.request_id):
            return
        if (event := _parse(sink.contract, record.value)) is not None:
            sink.deliver(event)


class KafkaLog:
    """Publishes events, and searches the topics of responses."""

    def __init__(
        self, kafka: KafkaConnection, tenants: Tenants, publisher: Publisher, limit: timedelta
    ) -> None:
        self._kafka = kafka
        self._tenants = tenants
        self._publisher = publisher
        self._limit = limit.total_seconds()
        self._searches = asyncio.Semaphore(_SEARCHES)
        self._searches_of = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(1))

    async def publish(self, event: Request | FeedbackEvent) -> None:
        """Publish to the topic of the event's tenant, and wait for the acknowledgement.

        Raises:
            Transient, Permanent: it was not acknowledged.
        """
        try:
            await self._publisher.publish(
                Emit("requests" if isinstance(event, Request) else "feedback", event)
            )
        except ProducerFailed as error:
            raise Transient("broker_unavailable", str(error)) from error

    async def publish_document(self, event: UpsertDocument | DeleteDocument) -> datetime:
        """Publish a document event; returns the time of its record on the log.

        Raises:
            Transient, Permanent: it was not acknowledged.
        """
        key = f"{event.tenant}:{event.document_id}".encode()
        try:
            return await self._publisher.publish_timed(Emit("documents", event, key))
        except ProducerFailed as error:
            raise Transient("broker_unavailable", str(error)) from error

    async def find(self, tenant: str, request_id: str, since: datetime, digest: str) -> Response | None:
        """The response to a request that was published at ``since``; ``None`` if it is not on the log.

        Each search has its own consumer. One search of a tenant runs at a time, so that the other tenants have places.

        Raises:
            Transient: the log cannot be read, or the search takes too long (code ``broker_unavailable``).
        """
        topic = self._tenants.address("responses", tenant)
        try:
            # The first limit includes the wait for a place, which other searches of the tenant may hold.
            async with (
                asyncio.timeout(2 * self._limit),
                self._searches_of[tenant],
                self._searches,
                asyncio.timeout(self._limit),
            ):
                found = await self._search(topic, tenant, request_id, since - _CLOCK_SKEW, digest)
        except (KafkaError, TimeoutError) as error:
            lookups.labels("failed").inc()
            raise Transient("broker_unavailable", f"{topic}: {error!r}") from error
        lookups.labels("found" if found else "missing").inc()
        return found

    async def _search(
        self, topic: str, tenant: str, request_id: str, since: datetime, digest: str
    ) -> Response | None:
        async with _consumer(self._kafka, auto_offset_reset="earliest") as consumer:
            # A topic that this client has not asked for is not in its metadata.
            consumer.subscribe([topic])
            partitions = await _partitions(consumer, [topic])
            async for value in _values(consumer, partitions, since):
                ids = peek(value)
                if (ids.tenant, ids.request_id) != (tenant, request_id):
                    continue
                response = _parse(Response, value)
                if response is not None and is_response_to(response, digest):
                    return response
        return None


async def _values(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition], since: datetime
) -> AsyncIterator[bytes]:
    """The values from a time to the end of the topic, as it is at the call."""
    ends = await consumer.end_offsets(partitions)
    starts = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
    for partition in partitions:
        start = starts[partition]
        consumer.seek(partition, ends[partition] if start is None else start.offset)
    # A poll of partitions without records waits for its whole timeout.
    left = {p for p in partitions if await consumer.position(p) < ends[p]}
    while left:
        for records in (await consumer.getmany(*left, timeout_ms=_POLL_MS)).values():
            for record in records:
                if record.value and not isinstance(record, UndecodableRecord):
                    yield record.value
        left = {p for p in left if await consumer.position(p) < ends[p]}


async def _partitions(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """The partitions of topics, all of which are assigned to the consumer.

    Raises:
        Transient: a topic does not exist (code ``topic_missing``).
    """
    wanted = set(topics)
    for _ in range(30):
        found = consumer.assignment()
        if {p.topic for p in found} == wanted:
            return sorted(found)
        await asyncio.sleep(0.1)
    missing = sorted(wanted - {p.topic for p in consumer.assignment()})
    raise Transient(
        "topic_missing", f"Kafka has no topic {missing[0]}", fix="create it with `septet kafka apply`"
    )


@asynccontextmanager
async def _consumer(kafka: KafkaConnection, auto_offset_reset: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = tolerant_consumer(
        **kafka.options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset=auto_offset_reset,
        max_partition_fetch_bytes=_MAX_FETCH,
        isolation_level="read_committed",
    )
    try:
        try:
            await consumer.start()
        except KafkaConnectionError as error:
            raise await diagnose(kafka) from error
        yield consumer
    finally:
        await _stop(consumer)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer. Neither an error nor a stop of more than ``_STOP_S`` holds up the response that it has read."""
    stopping = asyncio.ensure_future(consumer.stop())
    _stopping.add(stopping)
    stopping.add_done_callback(_stopped)
    if not (await asyncio.wait([stopping], timeout=_STOP_S))[0]:
        log.warning("a consumer is still stopping")


def _stopped(stopping: asyncio.Future[None]) -> None:
    _stopping.discard(stopping)
    if not stopping.cancelled() and (error := stopping.exception()):
        log.warning("a consumer did not stop", error=repr(error))


def _parse(contract: type[Event], value: bytes) -> Event | None:
    try:
        return contract.model_validate_json(value)
    except ValidationError as error:
        log.warning(
            "an event does not satisfy its contract", contract=contract.__name__, errors=error.error_count()
        )
        return None
