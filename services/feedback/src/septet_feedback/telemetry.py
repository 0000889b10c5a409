"""Metrics of feedback, and its spans in the trace of the request that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext
from prometheus_client import Gauge
from septet_contracts import FeedbackEvent
from septet_kit.observe import semconv
from septet_kit.observe.metrics import counter

from septet_feedback.domain.shown import Shown
from septet_feedback.domain.signals import signal_of

FEEDBACK_ID = "septet.feedback_id"
FEEDBACK_KIND = "septet.feedback.kind"

labelled = counter("septet_feedback_labels_total", "Feedback joined to an answer.", ["kind", "polarity"])
unmatched = counter("septet_feedback_unmatched_total", "Feedback dropped because its answer never arrived.")
ignored = counter(
    "septet_feedback_ignored_total", "Feedback on answers of evaluation runs, which gets no label."
)
waiting = Gauge("septet_feedback_waiting", "Feedback that waits for its answer.")


def context_of(traceparent: str | None) -> Context:
    """The remote context of a ``traceparent`` (W3C Trace Context); empty without one."""
    return propagate.extract({"traceparent": traceparent} if traceparent else {}, Context())


def remote_span(traceparent: str | None) -> SpanContext | None:
    """The span of a ``traceparent``; None if it is missing or invalid."""
    found = trace.get_current_span(context_of(traceparent)).get_span_context()
    return found if found.is_valid else None


def current_traceparent() -> str | None:
    """The ``traceparent`` of the current span."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def feedback_span(feedback: FeedbackEvent, shown: Shown, came_with: SpanContext | None) -> Iterator[Span]:
    """Span ``feedback {kind}``: a child of the span that sent the response, linked to the span of the feedback's record.

    If the response's span is unknown, it is a child of the current span.
    """
    parent = remote_span(shown.traceparent)
    links = [Link(came_with)] if came_with and parent and came_with.span_id != parent.span_id else []
    tracer = trace.get_tracer("septet.feedback")
    with tracer.start_as_current_span(
        f"feedback {feedback.kind}",
        context=context_of(shown.traceparent) if parent else None,
        links=links,
        attributes={
            semconv.SEPTET_TENANT: feedback.tenant,
            semconv.SEPTET_REQUEST_ID: feedback.request_id,
            FEEDBACK_ID: feedback.feedback_id,
            FEEDBACK_KIND: feedback.kind,
        },
    ) as current:
        _evaluate(current, feedback)
        yield current


def _evaluate(current: Span, feedback: FeedbackEvent) -> None:
    """Add ``gen_ai.evaluation.result`` for feedback that is a score."""
    signal = signal_of(feedback)
    if signal.score is None or signal.label is None:
        return
    current.add_event(
        semconv.EVALUATION_EVENT,
        {
            semconv.EVALUATION_NAME: f"user.{feedback.kind}",
            semconv.EVALUATION_SCORE: signal.score,
            semconv.EVALUATION_LABEL: signal.label,
        },
    )
