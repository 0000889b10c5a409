"""Publishing: acknowledged by all replicas, idempotent within a session, traced."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)

from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.events import Emit
from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.messaging.diagnosis import diagnose, forbidden
from septet_kit.messaging.probe import UncertainSend, find_sent
from septet_kit.messaging.producer import Producer, kafka_producer
from septet_kit.messaging.sending import Send
from septet_kit.observe import metrics
from septet_kit.observe.logs import get_logger
from septet_kit.observe.tracing import carry
from septet_kit.record import Record
from septet_kit.tenants import SHARED_ONLY, Tenants

_ACK_TIMEOUT_S = 30.0

_published = metrics.counter("septet_published_total", "Records published.", ["topic"])
log = get_logger()


@dataclass(frozen=True)
class Unacknowledged:
    """A record that the broker has not acknowledged, and why.

    A record that is ``queued`` may be on the log, and the producer still tries to send it.
    """

    record: Record
    error: SeptetError
    queued: bool


class Publisher:
    """One idempotent producer per process. Not safe to share between event loops."""

    def __init__(
        self,
        kafka: Kafka,
        client_id: str,
        tenants: Tenants = SHARED_ONLY,
        client: AIOKafkaProducer | None = None,
    ) -> None:
        self._tenants = tenants
        self._kafka = KafkaConnection.of(kafka)
        self._client = client if client is not None else kafka_producer(self._kafka, client_id)
        self._producer = Producer(self._client)
        self._soon: set[asyncio.Future[None]] = set()

    @property
    def failure(self) -> str | None:
        """Why nothing can be published any more; ``None`` while it can. Only a restart of the process helps."""
        return self._producer.failure

    @property
    def blocked_s(self) -> float:
        """Seconds since the start of the oldest send that is not acknowledged; 0.0 if there is none."""
        return self._producer.blocked_s

    def waiting(self) -> AbstractContextManager[None]:
        """Count a block as one send for :attr:`blocked_s`, however often it tries."""
        return self._producer.waiting()

    async def start(self) -> None:
        """Connect.

        Raises:
            Permanent: Kafka refuses the credentials, or the settings do not fit it.
            Transient: it does not answer.
        """
        try:
            await self._producer.start()
        except KafkaConnectionError as error:
            await self._client.stop()
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
            ProducerFailed: the producer cannot send any more.
        """
        await self.send(*(e.to_record(self._tenants) for e in emits))

    async def publish_timed(self, emit: Emit) -> datetime:
        """As :meth:`publish`, for one event; returns the time of its record on the log, in ms."""
        send = Send(emit.to_record(self._tenants))
        try:
            failed = await self._enqueue([send]) or await self._acknowledge([send])
        finally:
            send.close()
        if failed:
            raise failed[0].error
        assert send.sent is not None
        metadata: Any = send.sent.result()
        return datetime.fromtimestamp(metadata.timestamp / 1000, UTC)

    async def send(self, *records: Record) -> None:
        """As :meth:`publish`, for records. A record whose claim has lapsed is left to the outbox."""
        for left in await self.attempt(records):
            raise left.error

    async def attempt(self, records: Sequence[Record]) -> list[Unacknowledged]:
        """Send records in order; returns those that were not acknowledged, the first error first.

        Raises:
            ProducerFailed: the producer cannot send any more.
        """
        # All claims are acquired before the first wait: a claim must not lapse while an earlier record waits.
        sends = [Send(r) for r in records if r.claim is None or r.claim.acquire()]
        try:
            failed = await self._enqueue(sends)
            return failed + await self._acknowledge(sends)
        finally:
            for send in sends:
                send.close()

    async def find_sent(self, uncertain: Iterable[UncertainSend]) -> set[str]:
        """The event ids of ``uncertain`` that are on the log."""
        return await find_sent(self._kafka, uncertain)

    def send_soon(self, emit: Emit) -> None:
        """Send without waiting; a failure is logged and counted, not raised. For lossy topics only.

        It has no span of its own: one span per chunk of a stream would hide the rest of the trace.
        """
        task = asyncio.ensure_future(self._send_untraced(emit.to_record(self._tenants)))
        self._soon.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Future[None]) -> None:
        self._soon.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            metrics.lost_sends.inc()
            log.warning("lossy send failed", error=str(error))

    async def _send_untraced(self, record: Record) -> None:
        sent = await self._producer.enqueue(record, [*record.headers, *carry()])
        await self._producer.acknowledged(sent, _ACK_TIMEOUT_S)
        _published.labels(record.topic).inc()

    async def _enqueue(self, sends: list[Send]) -> list[Unacknowledged]:
        """Enqueue in order. After a failure nothing is enqueued, so that no record overtakes the failed one."""
        for n, send in enumerate(sends):
            try:
                await send.enqueue(self._producer)
            except KafkaError as error:
                typed = self._typed(send.record, error)
                send.fail(typed)
                return [Unacknowledged(s.record, typed, queued=False) for s in sends[n:]]
        return []

    async def _acknowledge(self, sends: list[Send]) -> list[Unacknowledged]:
        loop = asyncio.get_running_loop()
        until = loop.time() + _ACK_TIMEOUT_S
        left = []
        for send in sends:
            if send.sent is None:
                continue
            try:
                await self._producer.acknowledged(send.sent, until - loop.time())
            except (KafkaError, TimeoutError) as error:
                typed = self._typed(send.record, error)
                send.fail(typed)
                left.append(Unacknowledged(send.record, typed, queued=True))
            else:
                send.succeed()
                _published.labels(send.record.topic).inc()
        return left

    def _typed(self, record: Record, error: KafkaError | TimeoutError) -> SeptetError:
        if isinstance(error, MessageSizeTooLargeError):
            return Permanent("event_too_large", f"{record.topic}: {error}")
        if isinstance(error, TopicAuthorizationFailedError):
            return self._forbidden(error)
        return Transient("broker_unavailable", f"{record.topic}: {error!r}")

    def _forbidden(self, error: KafkaError) -> Transient:
        """An error that is retried: the record is fine, and waits until the ACL exists."""
        found = forbidden(self._kafka, error)
        return Transient(found.code, found.message, field=found.field, fix=found.fix)
