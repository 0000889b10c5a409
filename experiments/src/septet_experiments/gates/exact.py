"""Tests and bounds for few changes, where the t distribution does not hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, betaincinv

from septet_experiments.gates.pairs import Floats

ENUMERATED = 16
"""Largest number of changed clusters whose 2**k signs are enumerated."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Share:
    """``count`` of ``n``; the count may be a sum of values in 0…1."""

    count: float
    n: int

    @property
    def value(self) -> float:
        """The share, 0…1."""
        return self.count / self.n

    def lower(self, alpha: float) -> float:
        """Lower bound with confidence ``1 − alpha`` (Clopper and Pearson 1934)."""
        return float(betaincinv(self.count, self.n - self.count + 1, alpha)) if self.count > 0 else 0.0

    def upper(self, alpha: float) -> float:
        """Upper bound with confidence ``1 − alpha``; ``1 − alpha**(1/n)`` for a count of 0."""
        return (
            float(betaincinv(self.count + 1, self.n - self.count, 1 - alpha)) if self.count < self.n else 1.0
        )

    def scaled(self, factor: float) -> Share:
        """The same share of ``factor`` times the number."""
        n = round(self.n * factor)
        return share(self.value * n, n)


def share(count: float, n: int) -> Share:
    """A share whose count is limited to 0…n, which rounding or unequal clusters may exceed."""
    return Share(min(max(count, 0.0), float(n)), n)


def share_bounds(gain: Share, loss: Share, alpha: float) -> tuple[float, float]:
    """Lower and upper bound of ``gain − loss``, each with confidence ``1 − alpha``.

    The distances from the estimate to the Clopper-Pearson bounds of both shares are added in squares (method of variance
    estimates recovery: Newcombe 1998, Zou and Donner 2008). Without any change the bounds are those of a single share.
    """
    value = gain.value - loss.value
    below = math.hypot(gain.value - gain.lower(alpha), loss.upper(alpha) - loss.value)
    above = math.hypot(gain.upper(alpha) - gain.value, loss.value - loss.lower(alpha))
    return value - below, value + above


def sign_flip(sums: Floats) -> tuple[float, float] | None:
    """Exact one-sided p-values of a loss and of a gain, from the clusters' sums of differences of shape (G,).

    An unchanged candidate could have exchanged its value with the baseline's in each cluster, so all signs of the sums
    are equally likely (Fisher 1935). The p-value is the share of sign patterns with a total at least as extreme. For
    sums of one size, as those of a binary metric, this is McNemar's exact test: ``scipy.stats.binomtest(min, k, .5)``.

    Returns:
        Both p-values, or None if more than ``ENUMERATED`` sums of different sizes and signs would be enumerated.
    """
    changed = sums[sums != 0]
    if changed.size == 0:
        return 1.0, 1.0
    sizes = np.abs(changed)
    losses, gains = int((changed < 0).sum()), int((changed > 0).sum())
    if np.ptp(sizes) <= _ROUNDING * sizes.max():
        return float(bdtr(gains, changed.size, 0.5)), float(bdtr(losses, changed.size, 0.5))
    if 0 in (losses, gains):
        least = 0.5**changed.size
        return (least, 1.0) if losses else (1.0, least)
    if changed.size > ENUMERATED:
        return None
    totals = np.zeros(1)
    for size in np.sort(sizes):
        totals = np.concatenate([totals + size, totals - size])
    tolerance = _ROUNDING * float(sizes.sum())
    observed = float(changed.sum())
    return float((totals <= observed + tolerance).mean()), float((totals >= observed - tolerance).mean())
