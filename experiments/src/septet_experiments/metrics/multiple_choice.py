"""Accuracy of multiple-choice questions, by the option that the generated answer names."""

from __future__ import annotations

from septet_experiments.cases import Case
from septet_experiments.errors import NotComputable
from septet_experiments.metrics.choices import chosen
from septet_experiments.metrics.definition import Built, Definition, Resources
from septet_experiments.metrics.metric import Observed
from septet_experiments.metrics.reply import answer_of


def has_choices(case: Case) -> bool:
    """Whether a case is a multiple-choice question with a known answer."""
    return case.answer_index is not None and len(case.choices) >= 2


def multiple_choice(observed: Observed) -> float:
    """1 if the answer names the correct option, else 0. A reply that declines is a wrong answer."""
    case = observed.case
    if not has_choices(case):
        raise NotComputable("the case has no `choices` with an `answer_index`")
    answer = answer_of(observed.response)
    return float(bool(answer) and chosen(answer, case.choices) == case.answer_index)


def _multiple_choice(_resources: Resources, _cutoff: int | None) -> Built:
    return Built(multiple_choice, {"by": "generation"})


DEFINITIONS = (
    Definition(
        name="multiple_choice",
        measures="whether the answer names the correct option by letter, number or text",
        value_range="0 or 1",
        context="context-free",
        needs="`choices`, `answer_index`",
        source="MMLU (Hendrycks et al. 2021), by generation",
        build=_multiple_choice,
        applies=has_choices,
        binary=True,
    ),
)
