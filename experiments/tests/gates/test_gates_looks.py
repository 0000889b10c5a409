"""Error probabilities of repeated looks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri
from septet_experiments.gates import GateRule, at_look, look_levels

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize(
    ("spending", "z"),
    [
        ("obrien-fleming", [4.877, 3.357, 2.680, 2.290, 2.031]),
        ("pocock", [2.438, 2.427, 2.410, 2.397, 2.386]),
    ],
)
def test_published_boundaries_of_five_looks(spending: str, z: list[float]) -> None:
    levels = look_levels(FIFTHS, 0.025, spending)
    assert [-float(ndtri(level)) for level in levels] == pytest.approx(z, abs=0.001)


def test_one_look_has_the_whole_alpha() -> None:
    for spending in ("obrien-fleming", "pocock"):
        assert look_levels([1.0], 0.05, spending) == (pytest.approx(0.05),)


def test_later_looks_do_not_change_the_levels_of_earlier_ones() -> None:
    assert look_levels(FIFTHS[:2]) == look_levels([*FIFTHS[:2], 0.45, 0.9])[:2]


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_all_looks_together_err_with_probability_alpha(spending: str) -> None:
    rng = np.random.default_rng(11)
    fractions = [0.05, 0.1, 0.11, 0.3, 0.5, 0.75, 1.0]
    steps = np.diff([0.0, *fractions])
    motion = np.cumsum(rng.standard_normal((200_000, len(steps))) * np.sqrt(steps), axis=1)
    bounds = ndtri(look_levels(fractions, 0.05, spending)) * np.sqrt(fractions)
    assert (motion < bounds).any(axis=1).mean() == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize("fractions", [[], [0.0], [0.5, 0.5], [0.5, 0.505], [0.6, 0.5], [0.5, 1.1]])
def test_impossible_fractions_are_refused(fractions: list[float]) -> None:
    with pytest.raises(ValueError, match="fractions of looks"):
        look_levels(fractions)


def test_a_rule_at_a_look_has_its_alpha() -> None:
    rule = at_look(GateRule(metric="score", margin=0.1), FIFTHS[:3])
    assert rule.alpha == look_levels(FIFTHS[:3])[-1]
    assert rule.margin == 0.1


def test_a_hundred_looks_are_possible() -> None:
    levels = look_levels([k / 100 for k in range(1, 101)])
    assert all(0 < level < 0.05 for level in levels)
