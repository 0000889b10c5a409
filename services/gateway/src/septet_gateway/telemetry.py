"""Metrics of the gateway, and the span of a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from prometheus_client import Gauge
from septet_kit.observe import semconv
from septet_kit.observe.metrics import counter, histogram
from septet_kit.observe.tracing import parent_of

calls = counter("septet_gateway_calls_total", "HTTP calls.", ["route", "status"])
call_seconds = histogram("septet_gateway_call_seconds", "Time until the response starts.", ["route"])
waiting_requests = Gauge("septet_gateway_waiting", "Requests that wait for their responses.")
refusals = counter("septet_gateway_refusals_total", "Calls that got status 429.", ["code"])
backlog = Gauge("septet_gateway_backlog", "Requests that guardrails has not finished; NaN if unknown.")
backlog_reads = counter("septet_gateway_backlog_reads_total", "Reads of the backlog.", ["result"])
cancellations = counter("septet_gateway_cancellations_total", "Cancellations by cause or result.", ["result"])
lookups = counter("septet_gateway_lookups_total", "Searches for an earlier response.", ["result"])


def ask_span(headers: Mapping[str, str], tenant: str, request_id: str) -> AbstractContextManager[Span]:
    """Span ``ask`` of a request."""
    return request_span("ask", headers, tenant, request_id)


@contextmanager
def request_span(name: str, headers: Mapping[str, str], tenant: str, request_id: str) -> Iterator[Span]:
    """Span of a request: a child of the caller's span, or of the request's derived root span."""
    carried = {
        name: headers[name].encode("latin-1") for name in ("traceparent", "tracestate") if name in headers
    }
    tracer = trace.get_tracer("septet.gateway")
    with tracer.start_as_current_span(
        name,
        context=parent_of(carried, tenant, request_id),
        kind=SpanKind.SERVER,
        attributes={semconv.SEPTET_TENANT: tenant, semconv.SEPTET_REQUEST_ID: request_id},
    ) as current:
        yield current
