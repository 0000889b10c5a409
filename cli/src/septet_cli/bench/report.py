"""Computes the figures of a benchmark from its responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from septet_contracts import Response
from septet_experiments.cases import Case
from septet_experiments.metrics import score, select
from septet_experiments.runs import Sample

from septet_cli.bench.metrics import mean, percentile
from septet_cli.evaluation.run import USABLE

Answered = Sequence[tuple[Case, Response]]
"""Cases with their responses; the sources have the document ids of the data set."""

RANKING = ("ndcg@10", "recall@10", "mrr")
ANSWERS = ("exact_match", "groundedness", "citation_precision", "answer_relevance")


def retrieval_figures(pairs: Answered) -> dict[str, Any]:
    """Means of nDCG@10, recall@10 and MRR over the questions with a ranking; the others are counted."""
    values = _values(pairs, RANKING)
    figures = {name: round(mean(values[name]), 4) for name in RANKING}
    unanswered = _statuses(response for _, response in pairs if response.status != "answered")
    return figures | ({"not_answered": unanswered} if unanswered else {})


def answer_figures(pairs: Answered) -> dict[str, Any]:
    """Quality of the answers. F1 and exact match count an abstention as 0; scores are means over the answers."""
    answered = [(c, r) for c, r in pairs if r.status == "answered" and r.answer]
    values = _values(pairs, ("token_f1", *ANSWERS))
    figures = {
        "f1": mean(values["token_f1"]),
        "f1_of_answered": mean(_values(answered, ("token_f1",))["token_f1"]),
        **{name: mean(values[name]) for name in ANSWERS},
        "abstention_rate": mean(float(r.status == "abstained") for _, r in pairs),
        "gold_cited": mean(float(_cites_gold(c, r)) for c, r in answered),
    }
    counts = {
        "questions": len(pairs),
        "with_reference": sum(bool(case.references) for case, _ in pairs),
        "statuses": _statuses(r for _, r in pairs),
    }
    return {name: round(value, 4) for name, value in figures.items()} | counts


def _values(pairs: Answered, names: Sequence[str]) -> dict[str, list[float]]:
    """Values by metric. Responses without a value are left out."""
    metrics = select(names)
    values: dict[str, list[float]] = {name: [] for name in names}
    for case, response in pairs:
        error = None if response.status in USABLE else response.status
        sample = score(case, Sample(case_id=case.id, response=response, error=error), metrics)
        for name, value in sample.values.items():
            values[name].append(value)
    return values


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


def _statuses(responses: Iterable[Response]) -> dict[str, int]:
    return dict(Counter(r.error.code if r.error else r.status for r in responses))


def _cites_gold(case: Case, response: Response) -> bool:
    """Whether a cited source is a relevant document."""
    return any(source.cited and source.document_id in case.relevant for source in response.sources)


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
