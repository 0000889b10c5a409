"""The log on Kafka: publishes events of clients, follows their results from the end, and finds earlier responses."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Container, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

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
from septet_kit.messaging.reader import open_reader, records_since
from septet_kit.observe import get_logger
from septet_kit.tenants import Tenants

from septet_gateway.application.indexing import Changes
from septet_gateway.application.waiting import Waiting
from septet_gateway.domain.identity import is_response_to
from septet_gateway.telemetry import lookups

Event = TypeVar("Event", bound=BaseModel)

log = get_logger()

_SEARCHES = 4


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
        self._searches = asyncio.Semaphore(_SEARCHES)
        self._searches_of = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(1))
        self._wanted = defaultdict[str, list[_Wanted]](list)

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

        Each search has its own consumer. One search of a tenant runs at a time, so that the other tenants have places. It
        serves all calls that wait for their turn when it begins: after a restart, many clients repeat their requests.

        Raises:
            Transient: the log cannot be read, or the search takes too long (code ``broker_unavailable``).
        """
        topic = self._tenants.address("responses", tenant)
        wanted = _Wanted(request_id, since, digest, asyncio.get_running_loop().create_future())
        waiting = self._wanted[tenant]
        waiting.append(wanted)
        try:
            # The first limit includes the wait for a place, which other searches of the tenant may hold.
            async with asyncio.timeout(2 * self._limit), self._searches_of[tenant]:
                if not wanted.found.done():
                    async with self._searches, asyncio.timeout(self._limit):
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
        since = min(each.since for each in wanted)
        async with open_reader(self._kafka) as consumer:
            # A topic that this client has not asked for is not in its metadata.
            consumer.subscribe([topic])
            starts = dict.fromkeys(await assigned_partitions(consumer, [topic]), since)
            async with aclosing(records_since(consumer, starts)) as records:
                async for record in records:
                    if (response := _response_of(record, tenant, left)) is None:
                        continue
                    waiting = left.pop(response.request_id)
                    others = [each for each in waiting if not each.receives(response)]
                    if others:
                        left[response.request_id] = others
                    if not left:
                        break
        for each in itertools.chain.from_iterable(left.values()):
            each.found.set_result(None)


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
