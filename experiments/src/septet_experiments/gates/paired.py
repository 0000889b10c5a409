"""The gate of two runs on the same cases."""

from __future__ import annotations

import numpy as np

from septet_experiments.errors import NotComparable
from septet_experiments.gates.clustered import clustered_mean, sums_by_cluster
from septet_experiments.gates.decisions import blocked, conclude
from septet_experiments.gates.evidence import ByShares, BySigns, ByT, Evidence
from septet_experiments.gates.exact import ENUMERATED, share, sign_flip, subset_means
from septet_experiments.gates.pairs import Floats, Pairs
from septet_experiments.gates.rule import Decision, GateRule, Method

FEW_DISCORDANT = 25
"""Below this number of discordant pairs a binary metric is tested exactly (McNemar)."""

_ROUNDING = 1e-12


def decide(pairs: Pairs, rule: GateRule, *, p_adjusted: float | None = None) -> Decision:
    """Decide about one metric of two runs on the same cases.

    ``FAIL`` if the upper bound of the mean difference is below 0, else ``PASS`` if the lower bound is above ``−margin``,
    else ``INCONCLUSIVE``. The bounds are mean ± t(G − 1) · cluster-robust standard error. Few changes get exact tests and
    bounds: see ``observe``. Too many errors, too few cases and a single cluster are ``INCONCLUSIVE``.

    Args:
        pairs: values by case.
        rule: the rule, of the same metric.
        p_adjusted: p-value of a loss after the correction for several metrics; ``decide_all`` sets it.

    Raises:
        ValueError: the rule is about another metric.
        NotComparable: few cases changed, and a difference exceeds the rule's span.
    """
    draft = _draft(pairs, rule)
    evidence = observe(pairs, rule.span)
    return draft if evidence is None else conclude(draft, evidence, rule, p_adjusted)


def observe(pairs: Pairs, span: float | None = None) -> Evidence | None:
    """Return bounds and p-value of the difference; None with fewer than two clusters.

    Exact methods replace the t distribution in four situations:

    - independent cases, values 0 and 1, and fewer than 25 discordant pairs: McNemar's exact test;
    - other values or clusters, of which at most 16 and at most half changed: the exact sign-flip test;
    - a standard error of 0;
    - at most 16 clusters, of different sizes: bounds that the sign-flip test does not reject.

    The bounds of the first three are those of ``share_bounds``; without a known span they give the sign alone.
    """
    if pairs.n == 0 or (estimate := clustered_mean(pairs.differences, pairs.codes)).clusters < 2:
        return None
    sums = _changes(pairs)
    changed = int(np.count_nonzero(sums))
    is_mcnemar = pairs.is_binary and estimate.clusters == pairs.n
    few = changed < FEW_DISCORDANT if is_mcnemar else changed <= min(ENUMERATED, estimate.clusters / 2)
    if estimate.se > 0 and not few:
        sizes = sums_by_cluster(np.ones(pairs.n), pairs.codes)
        is_uneven = sizes.size <= ENUMERATED and np.ptp(sizes) > 0
        return BySigns(estimate, subset_means(sums, sizes)) if is_uneven else ByT(estimate)
    span = pairs.span if span is None else _checked(span, pairs)
    p_worse, p_better = sign_flip(sums) or (1.0, 1.0)
    # One unit is a loss by the whole span in a cluster of average size.
    unit = (span or 1.0) * pairs.n / estimate.clusters
    gain, loss = (
        share(float(part.sum()) / unit, estimate.clusters) for part in (sums.clip(min=0), -sums.clip(max=0))
    )
    method: Method = "mcnemar" if is_mcnemar else "sign-flip"
    return ByShares(estimate, gain, loss, span, p_worse, p_better, method)


def _checked(span: float, pairs: Pairs) -> float:
    largest = float(np.abs(pairs.differences).max())
    if largest > span * (1 + _ROUNDING):
        raise NotComparable(
            f"a difference of {pairs.metric} is {largest:.4g}, more than the span {span:.4g}",
            "set `span` to the largest possible difference",
        )
    return span


def _changes(pairs: Pairs) -> Floats:
    """Sum of the differences of each cluster; 0 where gains and losses cancel except for rounding."""
    differences = pairs.differences
    sums = sums_by_cluster(differences, pairs.codes)
    turnover = sums_by_cluster(np.abs(differences), pairs.codes)
    return np.where(np.abs(sums) <= _ROUNDING * turnover, 0.0, sums)


def _draft(pairs: Pairs, rule: GateRule) -> Decision:
    if pairs.metric != rule.metric:
        raise ValueError(f"the rule is about {rule.metric}, the pairs hold {pairs.metric}")
    counts = pairs.baseline_counts, pairs.candidate_counts
    clusters = int(pairs.codes.max()) + 1 if pairs.n else 0
    cases = max(pairs.cases, pairs.n)
    reason = blocked(rule, pairs.n, cases, clusters, counts)
    differences = pairs.differences
    return Decision(
        metric=pairs.metric,
        verdict="INCONCLUSIVE",
        reason=reason,
        method="none",
        baseline=float(pairs.baseline.mean()) if pairs.n else None,
        candidate=float(pairs.candidate.mean()) if pairs.n else None,
        n=pairs.n,
        clusters=clusters,
        better=int((differences > 0).sum()),
        worse=int((differences < 0).sum()),
        margin=rule.margin,
        alpha=rule.alpha,
        power=rule.power,
        complete=not reason,
        baseline_counts=counts[0],
        candidate_counts=counts[1],
        unpaired=pairs.unpaired,
    )
