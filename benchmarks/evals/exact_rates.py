"""Error rates of gates on a binary metric, computed without simulation from all numbers of discordant pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy
from septet_experiments.gates import Decision, GateRule, Pairs, decide

DISCORDANCES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1)
MARGINS = (0.02, 0.03, 0.05)
_ENOUGH = 1e-6


def exact_rates(sizes: Sequence[int]) -> dict[str, dict[str, float]]:
    """The largest rate of false verdicts for each number of cases.

    ``fails unchanged``: probability of FAIL without a difference, the largest one over the discordances.
    ``passes a loss``: probability of PASS at a loss by the margin, the largest one over discordances and margins.
    """
    return {str(n): _rates(n) for n in sizes}


def _rates(n: int) -> dict[str, float]:
    gains, losses, decisions = _all(n)
    fails = np.array([decision.verdict == "FAIL" for decision in decisions])
    lower = np.array([-1.0 if decision.lower is None else decision.lower for decision in decisions])
    unchanged = max(_probabilities(n, gains, losses, share / 2, share / 2) @ fails for share in DISCORDANCES)
    passed = max(
        _probabilities(n, gains, losses, (share - margin) / 2, (share + margin) / 2)
        @ (~fails & (lower > -margin))
        for margin in MARGINS
        for share in {max(share, margin) for share in DISCORDANCES}
    )
    return {"fails unchanged": round(float(unchanged), 4), "passes a loss": round(float(passed), 4)}


def binary_decision(n: int, gains: int, losses: int, rule: GateRule) -> Decision:
    """The decision about ``n`` independent cases, right or wrong, with so many discordant pairs."""
    old, new = np.ones(n), np.ones(n)
    old[:gains], new[gains : gains + losses] = 0.0, 0.0
    return decide(Pairs(rule.metric, tuple(map(str, range(n))), np.arange(n), old, new, cases=n), rule)


def _all(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64], list[Decision]]:
    """All numbers of gains and losses that are probable enough, with their decisions."""
    most = max(k for k in range(n + 1) if _tail(n, max(DISCORDANCES), k) > _ENOUGH)
    found = [(gain, changed - gain) for changed in range(most + 1) for gain in range(changed + 1)]
    rule = GateRule(metric="score", margin=0)
    gains, losses = np.array(found).T
    return gains, losses, [binary_decision(n, *kind, rule) for kind in found]


def _tail(n: int, share: float, k: int) -> float:
    counts = np.arange(k, n + 1)
    log = gammaln(n + 1) - gammaln(counts + 1) - gammaln(n - counts + 1)
    return float(np.exp(log + xlogy(counts, share) + xlogy(n - counts, 1 - share)).sum())


def _probabilities(
    n: int, gains: NDArray[np.int64], losses: NDArray[np.int64], gain: float, loss: float
) -> NDArray[np.float64]:
    same = n - gains - losses
    log = gammaln(n + 1) - gammaln(gains + 1) - gammaln(losses + 1) - gammaln(same + 1)
    found = log + xlogy(gains, gain) + xlogy(losses, loss) + xlogy(same, 1 - gain - loss)
    return np.asarray(np.exp(found), dtype=np.float64)
