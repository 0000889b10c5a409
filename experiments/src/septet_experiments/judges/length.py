"""Win rate at equal length, as AlpacaEval's length-controlled win rate.

A logistic regression predicts the preference for the candidate (1, 0.5 or 0) from an intercept and
``tanh(difference of lengths / its standard deviation)``. The adjusted win rate is the prediction at difference 0. A small
ridge penalty on the slope keeps it finite when length separates wins from losses.

Limits: AlpacaEval also models the difficulty of each instruction over many systems, which one comparison cannot estimate.
Length is a proxy: an answer may be better because it says more, and the adjustment removes that, too. Few pairs, or
lengths that separate wins from losses, leave the slope to the penalty. So the adjusted rate is reported beside the raw one
and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from septet_experiments.judges.estimates import Estimate, Floats, bootstrap, mean

MIN_PAIRS = 20
_RIDGE = 1.0
_STEPS = 50


class LengthControlled(BaseModel):
    """Raw and adjusted win rate, and the slope: positive if the longer answer is preferred.

    ``adjusted`` and ``slope`` are None below :data:`MIN_PAIRS` pairs.
    """

    model_config = ConfigDict(frozen=True)

    raw: Estimate | None
    adjusted: Estimate | None = None
    slope: float | None = None


def length_controlled(pairs: Sequence[tuple[float, int, int]], seed: int = 1) -> LengthControlled:
    """Adjust a win rate.

    Args:
        pairs: preference for the candidate (0 to 1), characters of its answer, characters of the other answer.
        seed: of the bootstrap.
    """
    raw = mean([preference for preference, _, _ in pairs], seed)
    if len(pairs) < MIN_PAIRS:
        return LengthControlled(raw=raw)
    wins = np.array([p for p, _, _ in pairs], dtype=np.float64)
    difference = np.array([a - b for _, a, b in pairs], dtype=np.float64)
    spread = float(difference.std()) or 1.0
    x = np.tanh(difference / spread)
    return LengthControlled(
        raw=raw,
        adjusted=bootstrap(lambda rows: float(_sigmoid(_fit(x[rows], wins[rows])[:1])[0]), len(wins), seed),
        slope=round(float(_fit(x, wins)[1]), 4),
    )


def _fit(x: Floats, y: Floats) -> Floats:
    """Intercept and slope, by Newton's method."""
    design = np.column_stack([np.ones_like(x), x])
    # The intercept's penalty only matters when all preferences are equal.
    penalty = np.diag([1e-3, _RIDGE])
    weights: Floats = np.zeros(2)
    for _ in range(_STEPS):
        p = _sigmoid(design @ weights)
        gradient = design.T @ (y - p) - penalty @ weights
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + penalty
        step = np.clip(np.linalg.solve(hessian, gradient), -2, 2)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-8:
            break
    return weights


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))))
