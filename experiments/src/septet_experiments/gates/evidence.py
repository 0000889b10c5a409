"""What the values of two runs show: bounds of the difference, a p-value, and what a gate could detect."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

from scipy.special import betaincinv

from septet_experiments.gates.clustered import Estimate, t_quantile
from septet_experiments.gates.exact import Share, share_bounds
from septet_experiments.gates.pairs import Floats
from septet_experiments.gates.rule import Method

Bounds = tuple[float | None, float | None]
_LEAST_P = 1e-12


class Evidence(Protocol):
    """A difference of means, positive where the candidate is better."""

    @property
    def estimate(self) -> Estimate:
        """The difference with its standard error."""

    @property
    def method(self) -> Method:
        """The method of bounds and p-value."""

    @property
    def p_worse(self) -> float:
        """One-sided p-value of a loss."""

    @property
    def unbounded(self) -> str:
        """Why a bound is unknown, and what to do; not used if both are known."""

    def bounds(self, alpha: float, factor: float = 1.0) -> Bounds:
        """Lower and upper bound, each with confidence ``1 − alpha``; None: unknown.

        ``factor`` is for planning: the bounds of that many times the cases, if they resemble the present ones.
        """

    def detectable(self, alpha: float, power: float) -> float | None:
        """Smallest loss that is detected with probability ``power``. None: none is."""


@dataclass(frozen=True)
class ByT:
    """Bounds from the t distribution with ``G − 1`` degrees of freedom."""

    estimate: Estimate
    method: Method = "t"
    unbounded: str = ""

    @property
    def p_worse(self) -> float:
        return self.estimate.p_worse

    def bounds(self, alpha: float, factor: float = 1.0) -> Bounds:
        scaled = replace(self.estimate, se=self.estimate.se / math.sqrt(factor))
        return scaled.lower(alpha), scaled.upper(alpha)

    def detectable(self, alpha: float, power: float) -> float | None:
        return _by_t(self.estimate, alpha, power)


@dataclass(frozen=True)
class BySigns:
    """Bounds that the sign-flip test does not reject, for few clusters of different sizes.

    Attributes:
        estimate: the difference with its standard error.
        means: ascending means of all 2**G − 1 non-empty subsets of the G clusters.
    """

    estimate: Estimate
    means: Floats
    method: Method = "sign-flip"
    unbounded: str = "clusters of different sizes are too few; add conversations or documents"

    @property
    def p_worse(self) -> float:
        return (1 + int((self.means >= 0).sum())) / (self.means.size + 1)

    def bounds(self, alpha: float, factor: float = 1.0) -> Bounds:
        beyond = math.ceil(alpha * (self.means.size + 1)) - 2
        if factor != 1.0 or beyond < 0:
            # The planned clusters are more numerous; with fewer than these the test rejects nothing.
            return ByT(self.estimate).bounds(alpha, factor) if factor != 1.0 else (None, None)
        return float(self.means[beyond]), float(self.means[-1 - beyond])

    def detectable(self, alpha: float, power: float) -> float | None:
        return None if self.bounds(alpha)[0] is None else _by_t(self.estimate, alpha, power)


@dataclass(frozen=True)
class ByShares:
    """Bounds from Clopper-Pearson bounds of what was gained and lost, for few changes.

    Attributes:
        estimate: the difference with its standard error, which may be 0.
        gain: gained share: the sum of gains, in units of ``span`` and of an average cluster, of the clusters.
        loss: the same of losses.
        span: largest possible difference of two values. None: unknown, then only the sign can be bounded.
        p_worse: one-sided p-value of a loss. The bounds never contradict it: they are moved to 0 if necessary.
        p_better: the same of a gain.
        method: the test behind the p-values.
    """

    estimate: Estimate
    gain: Share
    loss: Share
    span: float | None
    p_worse: float
    p_better: float
    method: Method
    unbounded: str = (
        "too little changed, and the metric's range is unknown; set `span` to its largest difference"
    )

    def bounds(self, alpha: float, factor: float = 1.0) -> Bounds:
        lower, upper = self._raw(alpha, factor)
        if factor != 1.0:
            return lower, upper
        if self.p_better < alpha:
            lower = max(lower or 0.0, 0.0)
        elif lower is not None:
            lower = min(lower, 0.0)
        if self.p_worse < alpha:
            upper = min(upper or 0.0, 0.0)
        elif upper is not None:
            upper = max(upper, 0.0)
        return lower, upper

    def detectable(self, alpha: float, power: float) -> float | None:
        """The larger one of two losses: that of the t distribution, and that of the exact test.

        The test needs ``k`` losing clusters with ``.5**k < alpha``. A loss by ``span`` in a share q of the clusters gives
        so many with probability ``power`` if q is the quantile ``power`` of Beta(k, G − k + 1).
        """
        needed = math.floor(math.log(alpha) / math.log(0.5)) + 1
        clusters = self.estimate.clusters
        if self.span is None or clusters < needed:
            return None
        least = self.span * float(betaincinv(needed, clusters - needed + 1, power))
        return max(least, _by_t(self.estimate, alpha, power))

    def _raw(self, alpha: float, factor: float) -> Bounds:
        if self.span is None:
            return None, None
        lower, upper = share_bounds(self.gain.scaled(factor), self.loss.scaled(factor), alpha)
        return self.span * lower, self.span * upper


def p_from_shares(gain: Share, loss: Share) -> float:
    """The smallest ``alpha`` whose upper bound of ``gain − loss`` is below 0: 1e-12 to .5; 1 if there is none."""
    low, high = math.log(_LEAST_P), math.log(0.5)
    if share_bounds(gain, loss, 0.5)[1] >= 0:
        return 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if share_bounds(gain, loss, math.exp(middle))[1] < 0 else (middle, high)
    return math.exp(high)


def needed_factor(evidence: Evidence, margin: float, alpha: float, power: float) -> float | None:
    """How many times the cases probably decide a gate, from 1 to 10,000. None: no such number.

    It is the larger one of two numbers: with it an unchanged candidate passes, and a loss by ``margin`` is detected, each
    with probability ``power``; and with it the difference that was observed leads to a decision.
    """
    if margin <= 0:
        return None
    planned = (_by_t(evidence.estimate, alpha, power) / margin) ** 2

    def is_decided(factor: float) -> bool:
        lower, upper = evidence.bounds(alpha, factor)
        return (lower is not None and lower > -margin) or (upper is not None and upper < 0)

    low, high = 1.0, 1e4
    if not is_decided(high):
        return None
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if is_decided(middle) else (middle, high)
    return max(planned, high)


def _by_t(estimate: Estimate, alpha: float, power: float) -> float:
    quantiles = -t_quantile(alpha, estimate.df) + t_quantile(power, estimate.df)
    return quantiles * estimate.se
