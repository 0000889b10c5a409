"""Trace middleware: each hop is the child of the hop before it.

FastStream's own makes a publication a sibling of the processing that led to it.
"""

from __future__ import annotations

from typing import Any

from faststream import BaseMiddleware
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

_tracer = trace.get_tracer("septet.client")


class TraceMiddleware(BaseMiddleware):
    """Continues the trace of a record in its handler, and in what the handler publishes or returns."""

    _processing: Context | None = None

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        """Run the handler in the span ``process {topic}``, a child of the span that sent the record."""
        record = msg.raw_message
        attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": record.topic,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
        }
        parent = propagate.extract(msg.headers, Context())
        with _tracer.start_as_current_span(
            f"process {record.topic}", context=parent, kind=SpanKind.CONSUMER, attributes=attributes
        ) as span:
            # FastStream publishes a returned value after this scope, with this middleware.
            self._processing = trace.set_span_in_context(span, parent)
            return await call_next(msg)

    async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
        """Publish in the span ``send {topic}``, whose context the record carries."""
        attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": cmd.destination,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
        }
        with _tracer.start_as_current_span(
            f"send {cmd.destination}", context=self._processing, kind=SpanKind.PRODUCER, attributes=attributes
        ):
            carrier: dict[str, str] = {}
            propagate.inject(carrier)
            cmd.headers = {**(cmd.headers or {}), **carrier}
            return await call_next(cmd)
