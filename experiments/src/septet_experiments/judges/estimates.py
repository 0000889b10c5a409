"""Estimates with 95 % intervals, for the calibration of judges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]
_Z = 1.959963984540054
_RESAMPLES = 2000


class Estimate(BaseModel):
    """A value with its 95 % interval, from ``n`` observations."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"


def share(hits: Sequence[bool]) -> Estimate | None:
    """Share of true values, with Wilson's interval. None without observations."""
    n = len(hits)
    if n == 0:
        return None
    p = sum(hits) / n
    centre = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    return _estimate(p, max(0.0, centre - half), min(1.0, centre + half), n)


def kappa(pairs: Sequence[tuple[str, str]], seed: int) -> Estimate | None:
    """Cohen's kappa of two labels per observation, with a percentile bootstrap.

    None without observations, or if chance alone agrees fully: kappa has no value then.
    """
    names = {name: i for i, name in enumerate(sorted({name for pair in pairs for name in pair}))}
    codes = np.array([(names[a], names[b]) for a, b in pairs], dtype=np.int64).reshape(-1, 2)
    if len(codes) == 0:
        return None
    size = len(names)

    def statistic(rows: NDArray[np.int64]) -> float:
        table = np.bincount(codes[rows, 0] * size + codes[rows, 1], minlength=size * size).reshape(size, size)
        observed = np.trace(table) / len(rows)
        expected = float(table.sum(axis=1) @ table.sum(axis=0)) / len(rows) ** 2
        return float((observed - expected) / (1 - expected)) if expected < 1 else float("nan")

    return bootstrap(statistic, len(codes), seed)


def mean(values: Sequence[float], seed: int) -> Estimate | None:
    """Mean with a percentile bootstrap. None without observations."""
    if not values:
        return None
    numbers = np.asarray(values, dtype=np.float64)
    return bootstrap(lambda rows: float(numbers[rows].mean()), len(numbers), seed)


def bootstrap(statistic: Callable[[NDArray[np.int64]], float], n: int, seed: int) -> Estimate | None:
    """Percentile bootstrap of a statistic of ``n`` observations. Resamples without a value are left out.

    None if the statistic has no value on the observations themselves.
    """
    value = statistic(np.arange(n))
    if not np.isfinite(value):
        return None
    draw = np.random.default_rng(seed)
    values = np.array([statistic(draw.integers(0, n, n)) for _ in range(_RESAMPLES)])
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (value, value)
    return _estimate(value, float(low), float(high), n)


def _estimate(value: float, low: float, high: float, n: int) -> Estimate:
    return Estimate(value=round(value, 6), low=round(low, 6), high=round(high, 6), n=n)
