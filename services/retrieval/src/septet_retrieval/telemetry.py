"""Spans of retrieval: one for each side of a search, the answerability classifier, and calls to OpenSearch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span
from septet_kit import SeptetError
from septet_kit.observe import semconv, span
from septet_kit.observe.metrics import counter
from septet_kit.observe.tracing import mark_failed
from septet_kit.observe.traffic import traffic

_documents = counter(
    "septet_retrieval_flagged_documents_total", "Ingested documents that instruct the assistant."
)
_found = counter(
    "septet_retrieval_instructions_total", "Instructions to the assistant in ingested documents."
)
_verdicts = counter(
    "septet_retrieval_verdicts_total", "Verdicts on retrieved passages.", ["decision", "traffic"]
)


def count_instructions(found: int) -> None:
    """Count a document with its instructions to the assistant."""
    _documents.inc()
    _found.inc(found)


def count_verdict(decision: str) -> None:
    """Count a verdict on retrieved passages."""
    _verdicts.labels(decision, traffic()).inc()


class SearchSpan:
    """Records the result of one side of a search."""

    def __init__(self, current: Span) -> None:
        self._span = current

    def record_hits(self, count: int) -> None:
        """Record the number of hits."""
        self._span.set_attribute("septet.retrieval.hits", count)


@contextmanager
def search_span(side: str) -> Iterator[SearchSpan]:
    """Span ``retrieval {side}``."""
    with span(f"retrieval {side}") as current:
        current.set_attribute(semconv.GEN_AI_OPERATION, "retrieval")
        yield SearchSpan(current)


class AnswerabilitySpan:
    """Records the result of the answerability classifier."""

    def __init__(self, current: Span) -> None:
        self._span = current

    def record(self, probability: float, kind: str) -> None:
        """Record the probability and the kind of evidence."""
        self._span.set_attribute("septet.answerability.score", probability)
        self._span.set_attribute("septet.answerability.kind", kind)


@contextmanager
def answerability_span() -> Iterator[AnswerabilitySpan]:
    """Span ``answerability``."""
    with span("answerability") as current:
        yield AnswerabilitySpan(current)


@contextmanager
def opensearch_span(operation: str, target: str) -> Iterator[None]:
    """Client span of a call to OpenSearch. Calls outside a trace get none: each would start its own trace."""
    if not trace.get_current_span().get_span_context().is_valid:
        yield
        return
    attributes = {
        "db.system.name": "opensearch",
        "db.operation.name": operation,
        "db.collection.name": target,
    }
    with span(f"{operation} {target}", kind="client", **attributes) as current:
        try:
            yield
        except SeptetError as error:
            mark_failed(current, error.code, error.message)
            raise
