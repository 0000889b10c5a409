"""Traces, logs and metrics of eval."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import context, trace
from prometheus_client import Histogram
from septet_contracts import Outcome, Response
from septet_kit.observe import metrics, semconv
from septet_kit.observe.logs import get_logger
from septet_kit.observe.tracing import emit_root_span, parent_of, span
from septet_kit.observe.traffic import traffic, traffic_of

from septet_eval.domain.response import Pending
from septet_eval.domain.scoring import ScoreCard
from septet_eval.ports import CancelResult, EndedRequest

_released = metrics.counter(
    "septet_eval_released_total", "Responses released.", ["status", "kind", "traffic"]
)
_discarded = metrics.counter(
    "septet_eval_discarded_total", "Outcomes that arrived after the response.", ["status", "traffic"]
)
_cancellations = metrics.counter(
    "septet_eval_cancellations_total", "Cancellations by effect: released, remembered, ignored.", ["effect"]
)
_missing = metrics.counter(
    "septet_eval_missing_scores_total", "Scores that could not be computed.", ["name", "why", "traffic"]
)
_scores = Histogram(
    "septet_eval_score", "Scores of outcomes.", ["name", "traffic"], buckets=[i / 10 for i in range(1, 11)]
)
_disclosed = metrics.counter("septet_eval_disclosed_total", "Responses with a sealed answer.", ["result"])
log = get_logger()


def count_disclosed(result: str) -> None:
    """Count a response with a sealed answer by its result: restored, unreadable, invalid, too_large."""
    _disclosed.labels(result).inc()


def report(card: ScoreCard, outcome: Outcome) -> None:
    """Add each score as an evaluation event to the current span, and log and count missing scores."""
    span = trace.get_current_span()
    for score in card.scores:
        attributes: dict[str, str | float] = {
            semconv.EVALUATION_NAME: score.name,
            semconv.EVALUATION_SCORE: score.value,
        }
        if score.label is not None:
            attributes[semconv.EVALUATION_LABEL] = score.label
        if score.explanation is not None:
            attributes[semconv.EVALUATION_EXPLANATION] = score.explanation
        span.add_event(semconv.EVALUATION_EVENT, attributes)
        _scores.labels(score.name, traffic()).observe(score.value)
    for name in card.skipped:
        _missing.labels(name, "budget", traffic()).inc()
    for name, error in card.errors.items():
        _missing.labels(name, "error", traffic()).inc()
        log.error("scorer failed", scorer=name, request_id=outcome.request_id, exc_info=error)


def released(response: Response, accepted_at: datetime) -> None:
    """Count a response and close its request's trace with the root span."""
    attributes = {semconv.SEPTET_STATUS: response.status}
    # The sweeper releases responses outside the handling of a record.
    with traffic_of(response) as sample:
        _released.labels(response.status, response.answer_kind, traffic()).inc()
    if sample is not None:
        attributes[semconv.SEPTET_EVALUATION_RUN] = sample.run
    emit_root_span(response.tenant, response.request_id, accepted_at, response.occurred_at, attributes)


def ended(request: EndedRequest) -> None:
    """Count the response of a request without an outcome, as :func:`released` does."""
    token = context.attach(request.trace_context)
    try:
        released(request.publication.response, request.pending.accepted_at)
    finally:
        context.detach(token)


def cancelled(result: CancelResult) -> None:
    """Count a cancellation, and the response that it has released."""
    _cancellations.labels(result.effect).inc()
    if result.ended is not None:
        ended(result.ended)


@contextmanager
def request_span(name: str, pending: Pending) -> Iterator[str]:
    """A span in the trace of a request; yields the trace id."""
    headers = {"traceparent": pending.traceparent.encode()} if pending.traceparent else {}
    token = context.attach(parent_of(headers, pending.tenant, pending.request_id))
    try:
        with span(name) as current:
            yield trace.format_trace_id(current.get_span_context().trace_id)
    finally:
        context.detach(token)


def discarded(outcome: Outcome) -> None:
    """Count an outcome that changed nothing: it was redelivered, or its request was released before."""

    _discarded.labels(outcome.status, traffic()).inc()
    log.info("outcome discarded", request_id=outcome.request_id, status=outcome.status, origin=outcome.origin)
