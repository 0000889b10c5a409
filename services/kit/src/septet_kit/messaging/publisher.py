"""Publishing: acknowledged by all replicas, idempotent within a session, traced."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)
from opentelemetry import context as otel_context
from opentelemetry.trace import Span

from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.events import Emit
from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.messaging.diagnosis import diagnose, forbidden
from septet_kit.observe import metrics
from septet_kit.observe.logs import get_logger
from septet_kit.observe.tracing import carry, start_send
from septet_kit.tenants import SHARED_ONLY, Tenants

EVENT_ID_HEADER = "septet-event-id"
_ACK_TIMEOUT_S = 30.0

_published = metrics.counter("septet_published_total", "Records published.", ["topic"])
log = get_logger()


@dataclass(frozen=True)
class Record:
    """A record ready to be sent.

    ``on_queued`` gets the future that ends when the producer is done with the record, which may be long after
    anybody waits for it: the producer keeps trying for as long as it lives.

    A record from an outbox may only be sent before ``not_after`` (monotonic seconds): past it, its claim
    has lapsed and a sweeper may be sending it. ``settled`` says whether it is on the log, whoever sent it.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    trace_context: otel_context.Context | None = None
    not_after: float | None = None
    on_queued: Callable[[asyncio.Future[object]], None] | None = None
    settled: Callable[[], Awaitable[bool]] | None = None


def to_record(emit: Emit, tenants: Tenants) -> Record:
    """Encode an event for its topic, which is the tenant's own where it has one."""
    headers: list[tuple[str, bytes]] = [("content-type", b"application/json")]
    if emit.event_id is not None:
        headers.append((EVENT_ID_HEADER, emit.event_id.encode()))
    return Record(tenants.address(emit.topic, emit.tenant), emit.record_key, emit.value, tuple(headers))


class Publisher:
    """One idempotent producer per process. Not safe to share between event loops."""

    def __init__(self, kafka: Kafka, client_id: str, tenants: Tenants = SHARED_ONLY) -> None:
        self._tenants = tenants
        self._kafka = KafkaConnection.of(kafka)
        self._producer = AIOKafkaProducer(
            **self._kafka.options(), client_id=client_id, acks="all", enable_idempotence=True,
            max_request_size=2 * 1024 * 1024, request_timeout_ms=15_000,
        )  # fmt: skip
        self._soon: set[asyncio.Future[None]] = set()
        self.failure: str | None = None
        self.blocked_s = 0.0

    async def start(self) -> None:
        """Connect.

        Raises:
            Permanent: Kafka refuses the credentials, or the settings do not fit it.
            Transient: it does not answer.
        """
        try:
            await self._producer.start()
        except KafkaConnectionError as error:
            await self._producer.stop()
            raise await diagnose(self._kafka) from error

    async def stop(self) -> None:
        """Flush what is buffered, then close."""
        if self._soon:
            await asyncio.wait(self._soon, timeout=5)
        await self._producer.stop()

    async def publish(self, *emits: Emit) -> None:
        """Send events in order and wait until all are acknowledged.

        Raises:
            Transient: the broker did not acknowledge in time; the events may or may not be on the log.
            Permanent: an event is larger than its topic takes (code ``event_too_large``).
        """
        await self.send(*(to_record(e, self._tenants) for e in emits))

    async def send(self, *records: Record) -> None:
        """As :meth:`publish`, for records. A record whose outbox claim has lapsed is left to the sweeper."""
        queued = [await self._begin(r) for r in records if not _lapsed(r)]
        for record, span, future in queued:
            await self._acknowledged(record, future)
            span.end()

    def send_soon(self, emit: Emit) -> None:
        """Send without waiting; a failure is logged and counted, not raised. For lossy topics only.

        It has no span of its own: one per chunk of a stream would bury the rest of the trace.
        """
        task = asyncio.ensure_future(self._send_untraced(to_record(emit, self._tenants)))
        self._soon.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Future[None]) -> None:
        self._soon.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            metrics.lost_sends.inc()
            log.warning("lossy send failed", error=str(error))

    async def _send_untraced(self, record: Record) -> None:
        await self._acknowledged(record, await self._enqueue(record, carry()))

    async def _begin(self, record: Record) -> tuple[Record, Span, asyncio.Future[object]]:
        span, headers = start_send(record.topic, record.trace_context)
        try:
            return record, span, await self._enqueue(record, headers)
        except BaseException:
            span.end()
            raise

    async def _enqueue(self, record: Record, headers: Iterable[tuple[str, bytes]]) -> asyncio.Future[object]:
        try:
            future: asyncio.Future[object] = await self._producer.send(
                record.topic, value=record.value, key=record.key, headers=[*record.headers, *headers]
            )
        except KafkaError as error:
            raise self._typed(record, error) from error
        if record.on_queued is not None:
            record.on_queued(future)
        return future

    async def _acknowledged(self, record: Record, future: asyncio.Future[object]) -> None:
        try:
            async with asyncio.timeout(_ACK_TIMEOUT_S):
                await asyncio.shield(future)
        except (KafkaError, TimeoutError) as error:
            raise self._typed(record, error) from error
        _published.labels(record.topic).inc()

    def _typed(self, record: Record, error: KafkaError | TimeoutError) -> SeptetError:
        if isinstance(error, MessageSizeTooLargeError):
            return Permanent("event_too_large", f"{record.topic}: {error}")
        if isinstance(error, TopicAuthorizationFailedError):
            return self._forbidden(error)
        return Transient("broker_unavailable", f"{record.topic}: {error!r}")

    def _forbidden(self, error: KafkaError) -> Transient:
        """No fault of the record's: it waits until the ACL is there."""
        found = forbidden(self._kafka, error)
        return Transient(found.code, found.message, field=found.field, fix=found.fix)


def _lapsed(record: Record) -> bool:
    return record.not_after is not None and time.monotonic() > record.not_after


def headers_of(raw: tuple[tuple[str, bytes], ...] | None) -> Mapping[str, bytes]:
    """A record's headers by name; the last of a repeated name counts, and one without a value does not."""
    return {name: value for name, value in raw or () if value is not None}
