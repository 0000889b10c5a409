"""The log on Kafka: publishes events of clients, follows their results from the end, and finds earlier responses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import BaseModel, ValidationError
from septet_contracts import (
    Cancellation,
    DeleteDocument,
    DocumentChanged,
    FeedbackEvent,
    Request,
    Response,
    UpsertDocument,
    peek,
)
from septet_kit.errors import Transient
from septet_kit.events import Emit
from septet_kit.messaging.batches import UndecodableRecord
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.following import POLL_MS, assigned_partitions, following, groupless_consumer
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

# The database's clock dates a request, and the broker's clock dates its response.
_CLOCK_SKEW = timedelta(minutes=1)
_SEARCHES = 4


class Follower:
    """Reads the responses and changed documents of all tenants from the end, without a consumer group.

    A response that this process misses is on the log, where :meth:`KafkaLog.find` finds it.
    """

    def __init__(self, kafka: KafkaConnection, tenants: Tenants, waiting: Waiting, changes: Changes) -> None:
        self._kafka = kafka
        self._changed = set(tenants.addresses(["documents-changed"]))
        self._topics = [*tenants.addresses(["responses"]), *self._changed]
        self._waiting = waiting
        self._changes = changes

    @asynccontextmanager
    async def following(self) -> AsyncIterator[Callable[[], Any]]:
        """Start to follow; yields the task's function. No response is missed from here on.

        Raises:
            Transient, Permanent: Kafka does not answer, refuses the credentials, or a topic does not exist.
        """
        async with following(self._kafka, self._topics, self._receive) as run:
            yield run

    def _receive(self, record: Any) -> None:
        of_document = record.topic in self._changed
        expected = self._changes.is_expected if of_document else self._waiting.is_expected
        ids = peek(record.value)
        if ids.request_id is None or not expected(ids.tenant, ids.request_id):
            return
        if of_document:
            if (change := _parse(DocumentChanged, record.value)) is not None:
                self._changes.deliver(change)
        elif (response := _parse(Response, record.value)) is not None:
            self._waiting.deliver(response)


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

    async def publish(self, event: Request | Cancellation | FeedbackEvent) -> None:
        """Publish to the topic of the event's tenant, and wait for the acknowledgement.

        Raises:
            Transient, Permanent: it was not acknowledged.
        """
        try:
            await self._publisher.publish(Emit(_topic_of(event), event))
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
        async with groupless_consumer(self._kafka, auto_offset_reset="earliest") as consumer:
            # A topic that this client has not asked for is not in its metadata.
            consumer.subscribe([topic])
            partitions = await assigned_partitions(consumer, [topic])
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
        for records in (await consumer.getmany(*left, timeout_ms=POLL_MS)).values():
            for record in records:
                if record.value and not isinstance(record, UndecodableRecord):
                    yield record.value
        left = {p for p in left if await consumer.position(p) < ends[p]}


def _topic_of(event: Request | Cancellation | FeedbackEvent) -> str:
    if isinstance(event, Request):
        return "requests"
    return "cancellations" if isinstance(event, Cancellation) else "feedback"


def _parse(contract: type[Event], value: bytes) -> Event | None:
    try:
        return contract.model_validate_json(value)
    except ValidationError as error:
        log.warning(
            "an event does not satisfy its contract", contract=contract.__name__, errors=error.error_count()
        )
        return None
