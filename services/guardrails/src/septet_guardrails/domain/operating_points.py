"""Operating points: the scores from which a rail contains or blocks a question, also by false-positive rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

NEVER = math.inf
"""Score that no text reaches."""

LEAST_RATE = 0.0005
"""Lowest false-positive rate that is measured."""


@dataclass(frozen=True)
class OperatingPoints:
    """A rail blocks a score of at least ``block``, contains a lower one of at least ``contain``, and passes others."""

    block: float
    contain: float = NEVER

    def outcome(self, score: float) -> Literal["block", "contain", "pass"]:
        """Return what the rail does with a text of this score."""
        if score >= self.block:
            return "block"
        return "contain" if score >= self.contain else "pass"


@dataclass(frozen=True)
class RateCurve:
    """Measured false-positive rates of a rail: pairs of a rate and the lowest score that has at most this rate.

    Rates ascend, and scores descend.
    """

    points: Sequence[tuple[float, float]]

    def score_at(self, rate: float) -> float:
        """Return the score at the greatest measured rate of at most ``rate``; ``NEVER`` below the first rate."""
        return min((score for measured, score in self.points if measured <= rate), default=NEVER)
