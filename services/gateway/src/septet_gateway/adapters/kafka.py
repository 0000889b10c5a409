"""The log on Kafka: publishes events of clients, follows their results from the end, and finds earlier responses."""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from pydantic import BaseModel, ValidationError
from septet_contracts import (
    Cancellation,
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
from septet_kit.messaging.batches import UndecodableRecord
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.following import assigned_partitions, following
from septet_kit.messaging.producer import ProducerFailed
from septet_kit.messaging.publisher import Publisher
from septet_kit.messaging.reader import offsets_at, open_reader, records_from
from septet_kit.observe import get_logger
from septet_kit.tenants import Tenants

from septet_gateway.application.indexing import Changes
from septet_gateway.application.waiting import Waiting
from septet_gateway.domain.identity import is_response_to
from septet_gateway.telemetry import lookups

Event = TypeVar("Event", bound=BaseModel)

log = get_logger()

# A tenant and a class of ages.
_Class = tuple[str, int]
# Of all tenants, for each class.
_SEARCHES = 4
# A search reads from the oldest request that it serves: one of a minute must not wait for one of a week.
_AGES = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=36))
_REMEMBERED = 4096


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
            _Sink("responses", Response, waiting.has_use, waiting.deliver),
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
        async with following(self._kafka, self._sinks, self._receive) as run:
            yield run

    def _receive(self, record: Any) -> None:
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
        self._searches = [asyncio.Semaphore(_SEARCHES) for _ in range(len(_AGES) + 1)]
        self._searches_of = defaultdict[_Class, asyncio.Semaphore](lambda: asyncio.Semaphore(1))
        self._wanted = defaultdict[_Class, list[_Wanted]](list)
        self._missing = _Missing()

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

        Each search has its own consumer. One search of a tenant and a class of ages runs at a time, so that the other
        tenants have places. It serves all calls of its class that wait for their turn when it begins: after a restart, many
        clients repeat their requests. A search does not read again where an earlier one missed the response.

        Raises:
            Transient: the log cannot be read, or the search takes too long (code ``broker_unavailable``).
        """
        topic = self._tenants.address("responses", tenant)
        wanted = _Wanted(request_id, since, digest, asyncio.get_running_loop().create_future())
        age = bisect(_AGES, datetime.now(UTC) - max(since, self._missing.until(tenant, wanted)))
        waiting = self._wanted[tenant, age]
        waiting.append(wanted)
        try:
            # The first limit includes the wait for a place, which other searches of the tenant may hold.
            async with asyncio.timeout(2 * self._limit), self._searches_of[tenant, age]:
                if not wanted.found.done():
                    async with self._searches[age], asyncio.timeout(self._limit):
                        await self._search(topic, tenant, [w for w in waiting if not w.found.done()])
            found = wanted.found.result()
        except (KafkaError, TimeoutError) as error:
            lookups.labels("failed").inc()
            raise Transient("broker_unavailable", f"{topic}: {error!r}") from error
        finally:
            waiting.remove(wanted)
        lookups.labels("found" if found else "missing").inc()
        return found

    async def _search(self, topic: str, tenant: str, wanted: Sequence[_Wanted]) -> None:
        """Read a topic once, and give each wanted response, or ``None``, to its future."""
        left = defaultdict[str, list[_Wanted]](list)
        for each in wanted:
            left[each.request_id].append(each)
        began, read = datetime.now(UTC), dict[TopicPartition, int]()
        until = datetime.min.replace(tzinfo=UTC)
        try:
            async with open_reader(self._kafka) as consumer:
                # A topic that this client has not asked for is not in its metadata.
                consumer.subscribe([topic])
                partitions = await assigned_partitions(consumer, [topic])
                read.update(await self._starts(consumer, partitions, tenant, wanted))
                async with aclosing(records_from(consumer, dict(read))) as records:
                    async for record in records:
                        _take(record, tenant, left)
                        if not left:
                            return
                        read[TopicPartition(record.topic, record.partition)] = record.offset + 1
            until = began
        finally:
            for each in itertools.chain.from_iterable(left.values()):
                self._missing.add(tenant, each, read, until)
        for each in itertools.chain.from_iterable(left.values()):
            each.found.set_result(None)

    async def _starts(
        self, consumer: Any, partitions: Sequence[TopicPartition], tenant: str, wanted: Sequence[_Wanted]
    ) -> dict[TopicPartition, int]:
        """The offset of each partition before which none of the wanted responses is."""
        known = [self._missing.offsets(tenant, each) for each in wanted]
        times = {
            p: min(each.since for each, offsets in zip(wanted, known, strict=True) if p not in offsets)
            for p in partitions
            if any(p not in offsets for offsets in known)
        }
        by_time = await offsets_at(consumer, times) if times else {}
        return {p: min(o[p] for o in [by_time, *known] if p in o) for p in partitions}


class _Missing:
    """Where earlier searches missed a response: a bounded number of requests, the ones searched for last.

    A search that fails has missed it up to where it came, so that the next one goes on there.
    """

    def __init__(self) -> None:
        self._entries = OrderedDict[tuple[str, str, str], tuple[Mapping[TopicPartition, int], datetime]]()

    def add(
        self, tenant: str, wanted: _Wanted, offsets: Mapping[TopicPartition, int], until: datetime
    ) -> None:
        """Note that a response is not before these offsets, which are the ends at the time ``until``."""
        if not offsets:
            return
        known, before = self._get(tenant, wanted)
        merged = {p: max(offset, known.get(p, 0)) for p, offset in offsets.items()} if known else offsets
        key = tenant, wanted.request_id, wanted.digest
        self._entries[key] = merged, max(until, before)
        self._entries.move_to_end(key)
        if len(self._entries) > _REMEMBERED:
            self._entries.popitem(last=False)

    def offsets(self, tenant: str, wanted: _Wanted) -> Mapping[TopicPartition, int]:
        """The offsets before which a response is not; empty if unknown."""
        return self._get(tenant, wanted)[0]

    def until(self, tenant: str, wanted: _Wanted) -> datetime:
        """When the last search that read to the ends began; the earliest time if there was none."""
        return self._get(tenant, wanted)[1]

    def _get(self, tenant: str, wanted: _Wanted) -> tuple[Mapping[TopicPartition, int], datetime]:
        nothing = dict[TopicPartition, int](), datetime.min.replace(tzinfo=UTC)
        return self._entries.get((tenant, wanted.request_id, wanted.digest), nothing)


@dataclass(frozen=True, eq=False)
class _Wanted:
    """A response that a call looks for; ``found`` gets it, or ``None``."""

    request_id: str
    since: datetime
    digest: str
    found: asyncio.Future[Response | None]

    def receives(self, response: Response) -> bool:
        """Take a response with this request id; ``False`` if it belongs to another body."""
        if not is_response_to(response, self.digest):
            return False
        self.found.set_result(response)
        return True


def _take(record: Any, tenant: str, left: dict[str, list[_Wanted]]) -> None:
    """Give a record to those that look for it, and remove them."""
    if (response := _response_of(record, tenant, left)) is None:
        return
    others = [each for each in left.pop(response.request_id) if not each.receives(response)]
    if others:
        left[response.request_id] = others


def _response_of(record: Any, tenant: str, request_ids: Container[str | None]) -> Response | None:
    """The response to one of these requests; ``None`` if a record is none."""
    if isinstance(record, UndecodableRecord) or not record.value:
        return None
    ids = peek(record.value)
    if ids.tenant != tenant or ids.request_id not in request_ids:
        return None
    return _parse(Response, record.value)


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
