"""The check of growth tells linear from quadratic work."""

from __future__ import annotations

import re

import pytest
from septet_kit.hostile import UNITS, growth, text


@pytest.mark.parametrize("name", UNITS)
def test_texts_have_the_size_that_is_asked_for(name: str) -> None:
    assert len(text(name, 5_000)) == 5_000


@pytest.mark.slow
def test_growth() -> None:
    assert growth(lambda found: sorted(found * 10), "words", 10_000) < 9
    assert growth(re.compile(r"\s*x").findall, "spaces", 1_500) > 9
    assert growth(len, "spaces", 10) == 0.0
