"""Computes the figures of a benchmark from its responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from septet_contracts import Response

from septet_cli.bench.datasets import Question
from septet_cli.bench.metrics import exact_match, mean, ndcg, percentile, recall, reciprocal_rank, token_f1
from septet_cli.ingest.document import PART

Answered = Sequence[tuple[Question, Response]]


def ranking_of(response: Response, names: Mapping[str, str]) -> list[str]:
    """Documents of a response, ordered by their best passage; *names* maps their ids to those of the data set."""
    found = (source.document_id.partition(PART)[0] for source in response.sources)
    return list(dict.fromkeys(names[document] for document in found if document in names))


def retrieval_figures(pairs: Answered, names: Mapping[str, str]) -> dict[str, Any]:
    """Means of nDCG@10, recall@10 and MRR over the questions; a failed question counts as 0."""
    ranked = [(question, ranking_of(response, names)) for question, response in pairs]
    figures: dict[str, Any] = {
        "ndcg@10": mean(ndcg(ranking, q.grades) for q, ranking in ranked),
        "recall@10": mean(recall(ranking, q.grades) for q, ranking in ranked),
        "mrr": mean(reciprocal_rank(ranking, q.grades) for q, ranking in ranked),
    }
    unanswered = _statuses(response for _, response in pairs if response.status != "answered")
    return {name: round(value, 4) for name, value in figures.items()} | (
        {"not_answered": unanswered} if unanswered else {}
    )


def answer_figures(pairs: Answered) -> dict[str, Any]:
    """Quality of the answers. F1 counts an unanswered question as 0; scores are means over the answers."""
    answered = [(q, r) for q, r in pairs if r.status == "answered" and r.answer]
    graded = [q for q, _ in pairs if q.answers]
    f1 = {q.question_id: token_f1(r.answer or "", q.answers) for q, r in answered if q.answers}
    exact = [exact_match(r.answer or "", q.answers) for q, r in answered if q.answers]
    figures = {
        "f1": sum(f1.values()) / len(graded) if graded else 0.0,
        "f1_of_answered": mean(f1.values()),
        "exact_match": sum(exact) / len(graded) if graded else 0.0,
        "groundedness": mean(_scores(answered, "groundedness")),
        "citation_precision": mean(_scores(answered, "citation_precision")),
        "answer_relevance": mean(_scores(answered, "answer_relevance")),
        "abstention_rate": mean(float(r.status == "abstained") for _, r in pairs),
        "gold_cited": mean(float(_cites_gold(q, r)) for q, r in answered),
    }
    counts = {
        "questions": len(pairs),
        "with_reference": len(graded),
        "statuses": _statuses(r for _, r in pairs),
    }
    return {name: round(value, 4) for name, value in figures.items()} | counts


def latency_figures(responses: Iterable[Response]) -> dict[str, dict[str, float]]:
    """Milliseconds of work by stage, without waiting, and the latency of the request as ``total``."""
    stages: dict[str, list[float]] = {}
    for response in responses:
        for timing in response.timings:
            stages.setdefault(timing.stage, []).append(timing.work_ms)
        if response.total_ms is not None:
            stages.setdefault("total", []).append(response.total_ms)
    return {
        stage: {"p50": round(percentile(values, 50), 1), "p99": round(percentile(values, 99), 1)}
        for stage, values in stages.items()
    }


def _scores(pairs: Answered, name: str) -> list[float]:
    return [score.value for _, response in pairs for score in response.scores if score.name == name]


def _statuses(responses: Iterable[Response]) -> dict[str, int]:
    return dict(Counter(r.error.code if r.error else r.status for r in responses))


def _cites_gold(question: Question, response: Response) -> bool:
    """Whether a cited source is a relevant document; sources have the ids of the data set."""
    return any(source.cited and question.grades.get(source.document_id, 0) > 0 for source in response.sources)


def table(figures: Mapping[str, Any]) -> RenderableType:
    """The figures as tables for the terminal."""
    head = Text(
        f"{figures['dataset']}: {figures['documents']} documents, {figures['passages']} passages, "
        f"{figures['questions']} questions, {figures['seconds']:.0f} s",
        style="bold",
    )
    parts: list[RenderableType] = [head, Text()]
    retrieval = Table(box=None, pad_edge=False, header_style="bold dim")
    for name in ("retrieval", "nDCG@10", "recall@10", "MRR"):
        retrieval.add_column(name, justify="left" if name == "retrieval" else "right")
    for mode, values in figures["retrieval"].items():
        retrieval.add_row(mode, *(f"{values[name]:.3f}" for name in ("ndcg@10", "recall@10", "mrr")))
    parts.append(retrieval)
    if "answers" in figures:
        answers = Table(box=None, pad_edge=False, header_style="bold dim")
        answers.add_column("answers")
        answers.add_column("", justify="right")
        for name, value in figures["answers"].items():
            answers.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
        parts += [Text(), answers]
    latency = Table(box=None, pad_edge=False, header_style="bold dim")
    for name in ("work by stage, ms", "p50", "p99"):
        latency.add_column(name, justify="right" if name.startswith("p") else "left")
    for stage, values in figures["latency_ms"].items():
        latency.add_row(stage, f"{values['p50']:.1f}", f"{values['p99']:.1f}")
    return Group(*parts, Text(), latency)
