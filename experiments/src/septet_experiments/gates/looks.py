"""Repeated looks at a growing comparison: how much error probability each look may spend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from septet_experiments.gates.pairs import Floats
from septet_experiments.gates.rule import GateRule

Spending = Literal["obrien-fleming", "pocock"]
STEP = 0.01
"""Smallest increase of the fraction from look to look."""

_POINTS, _REACH = 801, 8.0
_LEAST = 1e-15


def spent(fraction: float, alpha: float, spending: Spending) -> float:
    """Error probability that may be spent up to ``fraction`` (0…1) of the planned cases (Lan and DeMets 1983).

    ``obrien-fleming`` spends little early and keeps nearly all power for the end; ``pocock`` spends evenly, so that a
    large loss is found earlier.
    """
    if spending == "pocock":
        return alpha * math.log(1 + (math.e - 1) * fraction)
    return 2 * (1 - float(ndtr(-ndtri(alpha / 2) / math.sqrt(fraction))))


def look_levels(
    fractions: Sequence[float], alpha: float = 0.05, spending: Spending = "pocock"
) -> tuple[float, ...]:
    """One-sided ``alpha`` of each look, so that all looks together have the error probability ``alpha``.

    The levels follow from the joint distribution of the looks' z values: those of a Brownian motion at the times
    ``fractions`` (Armitage, McPherson and Rowe 1969). The level of a look depends on this look and the earlier ones only,
    so that their number and times need not be fixed beforehand; the planned number of cases has to be.

    Args:
        fractions: cases at each look, divided by the planned number; increasing by at least .01, at most 1.
        alpha: error probability of all looks together.
        spending: how it is spread over the looks.

    Raises:
        ValueError: the fractions do not increase by .01, or exceed 1.
    """
    steps = np.diff([0.0, *fractions])
    if not fractions or steps.min() < STEP - 1e-9 or fractions[-1] > 1:
        raise ValueError(
            f"the fractions of looks increase by at least {STEP} and end at most at 1: {list(fractions)}"
        )
    levels: list[float] = []
    before = 0.0
    grid, density = np.zeros(1), np.ones(1)
    for fraction, step in zip(fractions, steps, strict=True):
        allowed = max(spent(fraction, alpha, spending) - before, _LEAST)
        before += allowed
        bound = _bound(grid, density, math.sqrt(step), allowed)
        levels.append(max(float(ndtr(bound / math.sqrt(fraction))), _LEAST))
        grid, density = _advance(grid, density, math.sqrt(step), bound, math.sqrt(fraction))
    return tuple(levels)


def at_look(rule: GateRule, fractions: Sequence[float], spending: Spending = "pocock") -> GateRule:
    """The rule with the ``alpha`` of the last of these looks. The arguments are those of ``look_levels``."""
    return rule.model_copy(update={"alpha": look_levels(fractions, rule.alpha, spending)[-1]})


def _bound(grid: Floats, density: Floats, sd: float, allowed: float) -> float:
    """The value that the motion falls below with probability ``allowed`` in the next step."""

    def excess(bound: float) -> float:
        return float(density @ ndtr((bound - grid) / sd)) - allowed

    return float(brentq(excess, float(grid.min()) - 9 * sd, float(grid.max()) + 9 * sd, xtol=1e-10))


def _advance(grid: Floats, density: Floats, sd: float, bound: float, reach: float) -> tuple[Floats, Floats]:
    """Distribution above the bound after a step, as probabilities at the points of a grid (trapezoid rule)."""
    points = np.linspace(bound, _REACH * reach, _POINTS)
    weights = np.full(_POINTS, points[1] - points[0])
    weights[[0, -1]] /= 2
    z = (points[:, None] - grid[None, :]) / sd
    found = np.exp(-0.5 * z * z) @ density / (sd * math.sqrt(2 * math.pi))
    return points, found * weights
