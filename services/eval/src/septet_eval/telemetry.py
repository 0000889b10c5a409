"""What eval says on the trace, in the log and in metrics."""

from __future__ import annotations

from datetime import datetime

from opentelemetry import trace
from prometheus_client import Histogram
from septet_contracts import Outcome, Response
from septet_kit.observe import metrics, semconv
from septet_kit.observe.logs import get_logger
from septet_kit.observe.tracing import emit_root_span

from septet_eval.domain.panel import Card

_released = metrics.counter("septet_eval_released_total", "Responses released.", ["status", "kind"])
_discarded = metrics.counter(
    "septet_eval_discarded_total", "Outcomes that came after the response.", ["status"]
)
_missing = metrics.counter(
    "septet_eval_missing_scores_total", "Scores that could not be made.", ["name", "why"]
)
_scores = Histogram(
    "septet_eval_score", "Scores of outcomes.", ["name"], buckets=[i / 10 for i in range(1, 11)]
)
log = get_logger()


def report(card: Card, outcome: Outcome) -> None:
    """Each score as an evaluation event on the current span; what is missing in the log and in metrics."""
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
        _scores.labels(score.name).observe(score.value)
    for name in card.skipped:
        _missing.labels(name, "budget").inc()
    for name, error in card.errors.items():
        _missing.labels(name, "error").inc()
        log.error("scorer failed", scorer=name, request_id=outcome.request_id, exc_info=error)


def released(response: Response, accepted_at: datetime) -> None:
    """Count a response and close its request's trace with the root span."""
    _released.labels(response.status, response.answer_kind).inc()
    emit_root_span(
        response.tenant, response.request_id, accepted_at, response.occurred_at,
        {semconv.SEPTET_STATUS: response.status},
    )  # fmt: skip


def discarded(outcome: Outcome) -> None:
    """Count an outcome that changed nothing: the first one had won, or it was redelivered."""
    _discarded.labels(outcome.status).inc()
    log.info("outcome discarded", request_id=outcome.request_id, status=outcome.status, origin=outcome.origin)
