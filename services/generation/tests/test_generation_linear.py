"""Long passages: token estimates of slices, and linear cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from septet_generation.domain.answer import without_tags
from septet_generation.domain.excerpts import trim
from septet_generation.domain.tokens import estimate_tokens, slice_estimator
from septet_kit.hostile import UNITS, growth

FUNCTIONS: dict[str, Callable[[str], object]] = {
    "trim": lambda text: trim(text, (0, 5), 1_000_000),
    "cut": lambda text: trim(text, (0, 5), 500),
    "tags": without_tags,
}


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_time_is_linear_in_the_length(function: Callable[[str], object]) -> None:
    steep = {name: ratio for name in UNITS if (ratio := growth(function, name, 4_000)) > 9}
    assert steep == {}


def test_the_estimate_of_a_slice_equals_that_of_its_text() -> None:
    text = "덱은 double-ended 자료 구조이다. It is 빠르다."
    tokens = slice_estimator(text)
    for start in range(len(text)):
        for end in range(start, len(text)):
            assert tokens(start, end) == estimate_tokens(text[start:end])
