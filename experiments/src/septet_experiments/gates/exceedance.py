"""Whether a quantile of one group exceeds that of another one: an exact test without a distribution."""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, gammaln

from septet_experiments.gates.pairs import Floats


def p_slower(baseline: Floats, candidate: Floats, quantile: float) -> float:
    """One-sided p-value of a candidate whose quantile is above that of the baseline.

    The threshold is the quantile of the baseline's values, as one of them. If both groups have one continuous
    distribution, the number of the candidate's values above it is beta-binomial, whatever the distribution is (exceedance
    test: Epstein 1954). Ties with the threshold are not above it, which makes the test conservative.

    Args:
        baseline: independent values, shape (n,).
        candidate: independent values, shape (m,).
        quantile: between 0 and 1.

    Returns:
        The p-value; 1 if a group is empty.
    """
    n, m = len(baseline), len(candidate)
    if not n or not m:
        return 1.0
    ordered = np.sort(baseline)
    above = min(int((1 - quantile) * n + 1e-9), n - 1)
    exceeding = int((candidate > ordered[n - 1 - above]).sum())
    return beta_binomial_tail(exceeding, m, above + 1, n - above)


def beta_binomial_tail(count: int, n: int, a: float, b: float) -> float:
    """Probability of at least ``count`` of ``n`` draws whose probability has the distribution Beta(a, b)."""
    if count <= 0:
        return 1.0
    k = np.arange(count, n + 1)
    logs = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + betaln(k + a, n - k + b) - betaln(a, b)
    return min(float(np.exp(logs).sum()), 1.0)
