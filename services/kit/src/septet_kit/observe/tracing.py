"""One trace per request: every hop is the child of the hop before it.

A client that sends no ``traceparent`` still gets one trace: its id, and the id of its root span, follow
from the tenant and the request id, so that every consumer of the request derives the same ones.
The root span itself is recorded once, when the response is released (:func:`emit_root_span`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Literal

from aiokafka.structs import ConsumerRecord
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context as OtelContext
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from septet_kit.observe import semconv

_EXPORT_DELAY_MS = 1000
_EXPORT_TIMEOUT_S = 1
# Names of the headers that carry trace context.
_CARRIERS = frozenset({*propagate.get_global_textmap().fields, "tracestate"})
# The W3C limit of baggage, the largest of them. Longer headers are ignored.
_MAX_CARRIER = 8192
_KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}

_forced: ContextVar[tuple[int, int] | None] = ContextVar("forced_ids", default=None)


class _Ids(RandomIdGenerator):
    """Random ids, except for a root span, whose ids its children already refer to."""

    def generate_trace_id(self) -> int:
        forced = _forced.get()
        return forced[0] if forced else super().generate_trace_id()

    def generate_span_id(self) -> int:
        forced = _forced.get()
        return forced[1] if forced else super().generate_span_id()


def configure(service: str, instance: str, endpoint: str | None, *, namespace: str = "") -> None:
    """Install the tracer provider. Without an endpoint ids are made and propagated, and nothing is sent.

    OpenTelemetry's own variables choose the sampler: ``OTEL_TRACES_SAMPLER=parentbased_traceidratio`` and
    ``OTEL_TRACES_SAMPLER_ARG=0.1`` record one trace in ten. The export timeout is short because a missing collector
    otherwise holds the shutdown for seconds.
    """
    attributes = {"service.name": f"septet-{service}", "service.instance.id": instance}
    if namespace:
        attributes["service.namespace"] = namespace
    resource = Resource.create(attributes)
    provider = TracerProvider(resource=resource, id_generator=_Ids())
    if endpoint:
        exporter = OTLPSpanExporter(endpoint.rstrip("/") + "/v1/traces", timeout=_EXPORT_TIMEOUT_S)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EXPORT_DELAY_MS))
    trace.set_tracer_provider(provider)


def shutdown() -> None:
    """Export what is buffered."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


# A proxy until `configure` installs the provider; one object, because every span needs it.
_tracer = trace.get_tracer("septet.kit")


def derived_context(tenant: str, request_id: str) -> SpanContext:
    """The root span's context of a request that came without one.

    The provider's sampler decides whether the trace is recorded. A sampler by ratio decides by the trace id, so every
    service decides the same.
    """
    digest = hashlib.sha256(f"{tenant}\x1f{request_id}".encode()).digest()
    trace_id = int.from_bytes(digest[:16], "big")
    return SpanContext(
        trace_id=trace_id,
        span_id=int.from_bytes(digest[16:24], "big"),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if _is_sampled(trace_id) else TraceFlags.DEFAULT),
    )


def _is_sampled(trace_id: int) -> bool:
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        return True
    decision = provider.sampler.should_sample(OtelContext(), trace_id, "request").decision
    return decision is Decision.RECORD_AND_SAMPLE


def parent_of(headers: Mapping[str, bytes], tenant: str | None, request_id: str | None) -> OtelContext:
    """The parent context of a record's processing."""
    carrier = {
        k: v.decode("latin-1") for k, v in headers.items() if k in _CARRIERS and len(v) <= _MAX_CARRIER
    }
    parent = propagate.extract(carrier, OtelContext())
    if trace.get_current_span(parent).get_span_context().is_valid or not (tenant and request_id):
        return parent
    return trace.set_span_in_context(NonRecordingSpan(derived_context(tenant, request_id)), OtelContext())


@contextmanager
def process_span(record: ConsumerRecord, parent: OtelContext, group: str, queue_ms: float) -> Iterator[Span]:
    """``process {topic}``: the handling of one record, as a child of the send."""
    attributes = {
        semconv.MESSAGING_SYSTEM: "kafka",
        semconv.MESSAGING_DESTINATION: record.topic,
        semconv.MESSAGING_OPERATION_NAME: "process",
        semconv.MESSAGING_OPERATION_TYPE: "process",
        semconv.MESSAGING_GROUP: group,
        semconv.MESSAGING_PARTITION: str(record.partition),
        semconv.MESSAGING_OFFSET: record.offset,
        semconv.MESSAGING_BODY_SIZE: len(record.value or b""),
        semconv.SEPTET_QUEUE_MS: round(queue_ms, 3),
    }
    current = _tracer.start_span(
        f"process {record.topic}", context=parent, kind=SpanKind.CONSUMER, attributes=attributes
    )
    token = otel_context.attach(trace.set_span_in_context(current, parent))
    try:
        yield current
    except Exception as error:
        current.record_exception(error)
        mark_failed(current, type(error).__name__, str(error))
        raise
    finally:
        otel_context.detach(token)
        current.end()


def start_send(topic: str, parent: OtelContext | None = None) -> tuple[Span, list[tuple[str, bytes]]]:
    """Start ``send {topic}``; returns the span, which the caller ends, and the headers that propagate it.

    ``parent`` is what the current context is if absent.
    """
    attributes = {
        semconv.MESSAGING_SYSTEM: "kafka",
        semconv.MESSAGING_DESTINATION: topic,
        semconv.MESSAGING_OPERATION_NAME: "send",
        semconv.MESSAGING_OPERATION_TYPE: "send",
    }
    current = _tracer.start_span(
        f"send {topic}", context=parent, kind=SpanKind.PRODUCER, attributes=attributes
    )
    return current, carry(trace.set_span_in_context(current, parent))


def carry(context: OtelContext | None = None) -> list[tuple[str, bytes]]:
    """The headers that carry ``context`` (the current one if absent)."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context)
    return [(name, value.encode()) for name, value in carrier.items()]


@contextmanager
def span(name: str, kind: Literal["internal", "client"] = "internal", **attributes: Any) -> Iterator[Span]:
    """A span of a step's own work (a model call, a search); exceptions are recorded on it."""
    with _tracer.start_as_current_span(name, kind=_KINDS[kind], attributes=attributes) as current:
        yield current


def mark_failed(current: Span, code: str, message: str) -> None:
    """Set a span's status to error, with the error's code."""
    current.set_attribute(semconv.ERROR_TYPE, code)
    current.set_status(Status(StatusCode.ERROR, message[:500]))


def emit_root_span(
    tenant: str, request_id: str, start: datetime, end: datetime, attributes: Mapping[str, Any]
) -> None:
    """Record the root span of a request whose client sent no trace context; otherwise do nothing."""
    root = derived_context(tenant, request_id)
    if trace.get_current_span().get_span_context().trace_id != root.trace_id:
        return
    token = _forced.set((root.trace_id, root.span_id))
    try:
        current = _tracer.start_span(
            "request",
            context=OtelContext(),
            kind=SpanKind.SERVER,
            start_time=int(start.timestamp() * 1e9),
            attributes={semconv.SEPTET_TENANT: tenant, semconv.SEPTET_REQUEST_ID: request_id, **attributes},
        )
    finally:
        _forced.reset(token)
    current.end(end_time=int(end.timestamp() * 1e9))
