"""Feedback in the trace of the request that it is about."""

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

from septet_feedback.domain.judgement import judge
from septet_feedback.domain.shown import Shown

FEEDBACK_ID = "septet.feedback_id"
FEEDBACK_KIND = "septet.feedback.kind"

labelled = counter("septet_feedback_labels_total", "Feedback joined to an answer.", ["kind", "polarity"])
unmatched = counter("septet_feedback_unmatched_total", "Feedback given up on: its answer never came.")
waiting = Gauge("septet_feedback_waiting", "Feedback that waits for its answer.")


def context_of(traceparent: str | None) -> Context:
    """The remote context that a ``traceparent`` (W3C Trace Context) names; empty without one."""
    return propagate.extract({"traceparent": traceparent} if traceparent else {}, Context())


def remote_span(traceparent: str | None) -> SpanContext | None:
    """The span that a ``traceparent`` names, if it names a valid one."""
    found = trace.get_current_span(context_of(traceparent)).get_span_context()
    return found if found.is_valid else None


def current_traceparent() -> str | None:
    """The ``traceparent`` of the span that is current."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def feedback_span(feedback: FeedbackEvent, shown: Shown, came_with: SpanContext | None) -> Iterator[Span]:
    """``feedback {kind}``: a child of the span that sent the response, linked to the feedback's own record.

    Without a known response span it stays under the span that is current.
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
    """``gen_ai.evaluation.result`` for feedback that is a score."""
    judgement = judge(feedback)
    if judgement.score is None or judgement.label is None:
        return
    current.add_event(
        semconv.EVALUATION_EVENT,
        {
            semconv.EVALUATION_NAME: f"user.{feedback.kind}",
            semconv.EVALUATION_SCORE: judgement.score,
            semconv.EVALUATION_LABEL: judgement.label,
        },
    )
