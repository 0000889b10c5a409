"""One record on its way to the broker."""

from __future__ import annotations

import asyncio

from opentelemetry.trace import Span

from septet_kit.errors import SeptetError
from septet_kit.messaging.producer import Producer
from septet_kit.observe.logs import get_logger
from septet_kit.observe.tracing import mark_failed, start_send
from septet_kit.record import ClaimLost, Record

log = get_logger()


class Send:
    """A send with its span and its claim; :meth:`close` ends both on every path.

    ``sent`` is the future of the acknowledgement, ``None`` until the producer has the record.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.sent: asyncio.Future[object] | None = None
        self._span: Span | None = None

    async def enqueue(self, producer: Producer) -> None:
        """Hand the record to the producer. A record whose claim lapses while it waits is left to the outbox.

        Raises:
            ProducerFailed, KafkaError: as :meth:`Producer.enqueue`.
        """
        claim = self.record.claim
        self._span, traced = start_send(self.record.topic, claim.trace_context if claim else None)
        headers = [*self.record.headers, *traced]
        if claim is None:
            self.sent = await producer.enqueue(self.record, headers)
            return
        try:
            async with claim.hold():
                self.sent = await producer.enqueue(self.record, headers)
        except ClaimLost:
            log.warning("claim lost before the send, left to the outbox", topic=self.record.topic)
            self._end("claim_lost", "another process may send the record")
        else:
            claim.queued(self.sent)

    def succeed(self) -> None:
        """The broker has the record."""
        self._end()

    def fail(self, error: SeptetError) -> None:
        """The broker has not acknowledged the record."""
        self._end(error.code, error.message)

    def close(self) -> None:
        """End what is still open: the span, and the claim on a record that the producer does not have."""
        self._end("abandoned", "the sender was cancelled, or an earlier record failed")
        if self.record.claim is not None:
            self.record.claim.release()

    def _end(self, code: str | None = None, message: str = "") -> None:
        if self._span is None:
            return
        if code is not None:
            mark_failed(self._span, code, message)
        self._span.end()
        self._span = None
