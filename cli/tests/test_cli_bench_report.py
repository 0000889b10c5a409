"""Figures of a benchmark: rankings by document, quality of answers, latency by stage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from septet_cli.bench.datasets import Question, case_id
from septet_cli.bench.rag import _depth, _with_dataset_ids
from septet_cli.bench.report import answer_figures, latency_figures, retrieval_figures
from septet_contracts import Response, Score, Source, StageTiming, event_id
from septet_experiments.cases import Case

NAMES = {"doc-0": "a", "doc-1": "b", "doc-2": "c"}


def response(*documents: str, **fields: Any) -> Response:
    sources = [
        Source(number=i, passage_id=str(i), document_id=d, passage="text", cited=d in fields.get("cited", ()))
        for i, d in enumerate(documents, start=1)
    ]
    fields.pop("cited", None)
    base = {
        "request_id": "r",
        "event_id": event_id("default", "r", "response"),
        "occurred_at": datetime.now(UTC),
        "status": "answered",
        "sources": sources,
    }
    return Response(**(base | fields))


def question(name: str, answers: tuple[str, ...] = (), **grades: float) -> Case:
    return Question(name, "?", grades, answers).case()


def test_sources_get_the_document_ids_of_the_data_set() -> None:
    found = _with_dataset_ids(response("doc-1", "doc-0", "doc-1#part-2", "doc-2#part-1", "other"), NAMES)
    assert [source.document_id for source in found.sources] == ["b", "a", "b", "c"]
    assert retrieval_figures([(question("1", c=1), found)])["mrr"] == round(1 / 3, 4)


def test_a_question_becomes_a_case_with_whole_grades() -> None:
    case = Question("q", "왜?", {"a": 2.0, "b": 0.0, "c": 0.4}, ("답",)).case()
    assert (case.id, case.references, case.relevant) == ("q", ("답",), {"a": 2, "c": 1})
    assert len({case_id("x" * 97), case_id("x" * 98), "x" * 96}) == 3


def test_retrieval_figures_are_means_of_values_and_count_failures() -> None:
    pairs = [
        (question("1", a=1), response("a")),
        (question("2", b=1), response()),
        (question("3", b=1), response(status="blocked")),
        (question("4", b=1), response(status="failed")),
    ]
    figures = retrieval_figures(pairs)
    counted = {"blocked": 1, "failed": 1}
    assert figures == {"ndcg@10": 0.5, "recall@10": 0.5, "mrr": 0.5, "not_answered": counted}


def test_an_abstention_counts_as_unanswered() -> None:
    scores = [Score(name="groundedness", value=0.8), Score(name="citation_precision", value=1.0)]
    pairs = [
        (question("1", ("Paris",), a=1), response("a", answer="Paris [1]", scores=scores, cited=("a",))),
        (question("2", ("Rome",), b=1), response("b", answer="I cannot answer", status="abstained")),
        (question("3", (), c=1), response("c", answer="whatever")),
    ]
    figures = answer_figures(pairs)
    assert figures["f1"] == 0.5
    assert figures["f1_of_answered"] == 1
    assert figures["groundedness"] == 0.8
    assert figures["citation_precision"] == 1
    assert figures["abstention_rate"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["gold_cited"] == 0.5
    assert (figures["questions"], figures["with_reference"]) == (3, 2)


def test_latency_is_the_work_of_each_stage() -> None:
    timed = [
        response(timings=[StageTiming(stage="cache", queue_ms=99, work_ms=w)], total_ms=10 * w)
        for w in (1.0, 3.0)
    ]
    assert latency_figures(timed) == {"cache": {"p50": 2.0, "p99": 3.0}, "total": {"p50": 20.0, "p99": 29.8}}


@pytest.mark.parametrize(
    ("passages", "depth"), [([1] * 100, 10), ([4] * 100, 37), ([20] * 9 + [1], 50), ([], 10)]
)
def test_the_requested_passages_hold_ten_documents(passages: list[int], depth: int) -> None:
    assert _depth({str(i): n for i, n in enumerate(passages)}) == depth
