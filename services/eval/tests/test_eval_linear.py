"""Scorers on hostile texts: their cost is bounded for any outcome."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from septet_contracts import Ask, Outcome
from septet_eval.domain import text as texts
from septet_eval.domain.case import MAX_REFERENCES, case_of
from septet_eval.domain.scorers.reference import rouge_l_f, squad_normalise
from septet_eval.domain.scorers.refusal import is_refusal
from septet_kit.hostile import UNITS, growth
from septet_kit.testing import flow

FUNCTIONS: dict[str, Callable[[str], object]] = {
    "sentences": texts.sentences,
    "terms": texts.terms,
    "numbers": texts.numbers,
    "citations": texts.without_citations,
    "squad": squad_normalise,
    "refusal": is_refusal,
}


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_cost_grows_with_the_length_and_not_with_its_square(function: Callable[[str], object]) -> None:
    steep = {name: ratio for name in UNITS if (ratio := growth(function, name, 5_000)) > 9}
    assert steep == {}


def test_the_number_of_references_is_bounded() -> None:
    ask = Ask(question="What?", reference=tuple(map(str, range(10_000))))
    case = case_of(flow(Outcome, answer="A.", ask=ask))
    assert case.references == tuple(map(str, range(MAX_REFERENCES)))
    assert rouge_l_f("a b", "a b") == 1.0
