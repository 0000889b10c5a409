"""Scores that eval computed for the response in the hot path."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from septet_experiments.cases import Case
from septet_experiments.metrics.definition import Built, Definition, Resources
from septet_experiments.metrics.metric import Observed
from septet_experiments.metrics.reply import score_of, searches


def _expects_an_answer(case: Case) -> bool:
    return case.expected not in ("abstain", "refuse")


def _expects_a_grounded_answer(case: Case) -> bool:
    return searches(case) and _expects_an_answer(case)


def _expects_passages(case: Case) -> bool:
    return searches(case) and case.expected != "refuse"


def _of(name: str, _resources: Resources, _cutoff: int | None) -> Built:
    def value(observed: Observed) -> float:
        return score_of(observed.response, name)

    return Built(value, {"scorer": "eval"})


def _definition(
    name: str,
    measures: str,
    source: str,
    applies: Callable[[Case], bool] = _expects_a_grounded_answer,
) -> Definition:
    return Definition(
        name=name,
        measures=measures,
        value_range="0 to 1",
        context="context-dependent",
        needs=f"the score `{name}`",
        source=source,
        build=partial(_of, name),
        applies=applies,
    )


DEFINITIONS = (
    _definition(
        "groundedness", "support of the weakest sentence of the answer by a passage", "eval's scorer"
    ),
    _definition(
        "citation_precision",
        "share of citations whose passage supports the citing sentence; 0 without citations",
        "ALCE (Gao et al. 2023), with shared terms in place of an entailment model",
    ),
    _definition(
        "citation_recall",
        "share of sentences that the passages cited in them support",
        "ALCE, as above",
    ),
    _definition(
        "answer_relevance",
        "how much of the question the answer is about",
        "eval's scorer",
        _expects_an_answer,
    ),
    _definition(
        "context_relevance",
        "mean relevance of the passages to the question",
        "eval's scorer",
        _expects_passages,
    ),
)
