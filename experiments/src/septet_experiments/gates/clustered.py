"""Means of clustered values, their standard error and bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from septet_experiments.gates.pairs import Floats

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error.

    Attributes:
        value: the mean, in the metric's unit.
        se: cluster-robust standard error; NaN with fewer than two clusters, 0 if all clusters agree.
        df: degrees of freedom of the t distribution.
        clusters: number of clusters.
    """

    value: float
    se: float
    df: float
    clusters: int

    def lower(self, alpha: float) -> float:
        """Lower bound with confidence ``1 − alpha``."""
        return self.value + t_quantile(alpha, self.df) * self.se

    def upper(self, alpha: float) -> float:
        """Upper bound with confidence ``1 − alpha``."""
        return self.value - t_quantile(alpha, self.df) * self.se

    @property
    def p_worse(self) -> float:
        """One-sided p-value of a mean below 0, from the t distribution. ``se`` must be positive."""
        return float(stdtr(self.df, self.value / self.se))


def t_quantile(probability: float, df: float) -> float:
    """Quantile of Student's t distribution."""
    return float(stdtrit(df, probability))


def sums_by_cluster(values: Floats, clusters: NDArray[Any]) -> Floats:
    """Sum of the values of each cluster: shape (G,), in the order of the clusters' names."""
    _, codes = np.unique(clusters, return_inverse=True)
    return np.bincount(codes, weights=values).astype(np.float64, copy=False)


def clustered_mean(values: Floats, clusters: NDArray[Any]) -> Estimate:
    """Mean of values of shape (n,), n ≥ 1, with the cluster-robust standard error of an intercept.

    ``se² = G/(G−1) · Σ_g (Σ_{i∈g} (x_i − mean))² / n²``, with ``G − 1`` degrees of freedom. It equals statsmodels'
    ``OLS(x, 1).fit(cov_type="cluster")`` with its default correction ``G/(G−1) · (n−1)/(n−K)``, because K is 1 here
    (CR1, Liang and Zeger 1986). With one case in each cluster it is the standard error of the usual t test.
    """
    mean = float(values.mean())
    residuals = sums_by_cluster(values - mean, clusters)
    count = residuals.size
    if count < 2:
        return Estimate(mean, math.nan, 0.0, count)
    se = math.sqrt(count / (count - 1) * float(residuals @ residuals)) / values.size
    if se <= _ROUNDING * float(np.abs(values).max()):
        se = 0.0
    return Estimate(mean, se, count - 1.0, count)


def difference_of_means(baseline: Estimate, candidate: Estimate) -> Estimate:
    """Candidate − baseline of two independent groups (Welch 1947).

    ``se² = se_b² + se_c²``; the degrees of freedom follow Satterthwaite, with ``G − 1`` of each group. With one case in
    each cluster it is ``scipy.stats.ttest_ind(equal_var=False)``.
    """
    old, new = baseline.se**2, candidate.se**2
    total = old + new
    df = (
        total**2 / (old**2 / baseline.df + new**2 / candidate.df)
        if total > 0
        else min(baseline.df, candidate.df)
    )
    clusters = baseline.clusters + candidate.clusters
    return Estimate(candidate.value - baseline.value, math.sqrt(total), df, clusters)
