"""Metrics of the guardrails service, and the span of a call of its entailment model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.trace import Span, get_current_span
from septet_contracts import Canary, Verdict
from septet_kit.errors import SeptetError
from septet_kit.observe import semconv, span
from septet_kit.observe.metrics import counter, histogram
from septet_kit.observe.tracing import mark_failed
from septet_kit.observe.traffic import traffic

_verdicts = counter(
    "septet_guard_verdicts_total", "Verdicts of rails.", ["stage", "rail", "decision", "traffic"]
)
_chunks = counter("septet_guard_chunks_total", "Checked chunks of streamed drafts.", ["result", "traffic"])
_restored = counter(
    "septet_guard_restored_total", "Answers with masked values to restore.", ["result", "traffic"]
)
_judged = counter(
    "septet_guard_entailment_total",
    "Claims with a passage for the entailment model, by the source of their score.",
    ["source"],
)
_model_seconds = histogram(
    "septet_guard_entailment_seconds", "Time of a call of the entailment model.", ["model"]
)

_canary = counter("septet_guard_canary_total", "Requests that the candidate of a canary answers.", ["run"])


def count_canary(canary: Canary) -> None:
    """Count a request of a canary, and name the run in the request's trace."""
    _canary.labels(canary.run).inc()
    get_current_span().set_attribute("septet.canary", canary.run)


def count_judged(source: str, number: int) -> None:
    """Count claims with a passage by the source of their score: cached, called, missing."""
    _judged.labels(source).inc(number)


@contextmanager
def entailment_span(operation: str, model: str, provider: str, url: str) -> Iterator[Span]:
    """Client span ``{operation} {model}`` of one call. It holds no text."""
    address = urlsplit(url)
    known: dict[str, Any] = {
        semconv.GEN_AI_OPERATION: operation,
        semconv.GEN_AI_PROVIDER: provider,
        semconv.GEN_AI_REQUEST_MODEL: model,
        "server.address": address.hostname,
        "server.port": address.port,
    }
    attributes = {name: value for name, value in known.items() if value is not None}
    with span(f"{operation} {model}", "client", **attributes) as current, _model_seconds.labels(model).time():
        try:
            yield current
        except SeptetError as error:
            mark_failed(current, error.code, error.message)
            raise


def count_chunk(*, released: bool) -> None:
    """Count a chunk by whether it added text that may be shown."""
    _chunks.labels("released" if released else "held", traffic()).inc()


def count_restored(result: str) -> None:
    """Count an answer by the result of restoring: restored, unreadable, address, too_long, invalid."""
    _restored.labels(result, traffic()).inc()


def count_verdicts(verdicts: Iterable[Verdict]) -> None:
    """Count each verdict by stage, rail and decision."""
    for verdict in verdicts:
        _verdicts.labels(verdict.stage, verdict.rail, verdict.decision, traffic()).inc()
