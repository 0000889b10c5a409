"""The gate of two groups without common cases, such as a canary and the rest of the traffic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from septet_experiments.errors import NotComparable
from septet_experiments.gates.clustered import Estimate, clustered_mean, difference_of_means
from septet_experiments.gates.decisions import blocked, conclude
from septet_experiments.gates.evidence import ByShares, ByT, Evidence, p_from_shares
from septet_experiments.gates.exact import Share, share
from septet_experiments.gates.pairs import NAN_FIX, Floats
from septet_experiments.gates.rule import Counts, Decision, GateRule

FEW_EVENTS = 10
"""Below this number of rarer values (in average clusters) in a group, bounds come from Clopper-Pearson."""


@dataclass(frozen=True)
class Group:
    """Values of one group. Both arrays have the shape (n,).

    Attributes:
        values: values of the metric, in its unit.
        clusters: cluster of each value, such as its conversation, of any type that NumPy can sort.
        counts: draws and errors; errors are never values.

    Raises:
        ValueError: the arrays differ in length.
        NotComparable: a value is NaN or infinite.
    """

    values: Floats
    clusters: NDArray[Any]
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        if len(self.values) != len(self.clusters):
            raise ValueError(f"{len(self.values)} values have {len(self.clusters)} clusters")
        if not np.isfinite(self.values).all():
            raise NotComparable("a value of a group is not a finite number", NAN_FIX)


def compare(baseline: Group, candidate: Group, rule: GateRule, *, higher_is_better: bool = True) -> Decision:
    """Decide about one metric of two independent groups, with the verdicts of ``decide``.

    The bounds are the difference of the means ± t · the root of both squared cluster-robust standard errors, with
    Satterthwaite's degrees of freedom (Welch 1947). If all values are 0 or 1 and one of the two is rare in a group, or if
    a standard error is 0 and all values lie in 0…1, the bounds are those of ``share_bounds`` with each cluster as one
    draw. ``rule.cases`` is the number of values of both groups together.

    Args:
        baseline: the group to compare with.
        candidate: the group of the new version.
        rule: the rule. Its ``span`` is not used.
        higher_is_better: whether a larger value is better.

    Raises:
        NotComparable: a cluster belongs to both groups, so that they are not independent.
    """
    common = np.intersect1d(baseline.clusters, candidate.clusters)
    if common.size:
        raise NotComparable(f"cluster {common[0]} belongs to both groups", "pair the runs by case instead")
    draft = _draft(baseline, candidate, rule)
    if min(_size(baseline), _size(candidate)) < 2:
        reason = draft.reason or "a group has fewer than two clusters, so its variation is unknown"
        return draft.model_copy(update={"reason": reason, "complete": False})
    groups = (baseline, candidate) if higher_is_better else (candidate, baseline)
    return conclude(draft, _observe(*groups), rule)


def _observe(minus: Group, plus: Group) -> Evidence:
    old, new = (clustered_mean(group.values, group.clusters) for group in (minus, plus))
    estimate = difference_of_means(old, new)
    values = np.concatenate([minus.values, plus.values])
    loss, gain = _share(old), _share(new)
    if not ((values >= 0) & (values <= 1)).all():
        unknown = ByShares(estimate, gain, loss, None, 1.0, 1.0, "shares")
        return ByT(estimate) if estimate.se > 0 else unknown
    is_rare = min(min(part.count, part.n - part.count) for part in (loss, gain)) < FEW_EVENTS
    if min(old.se, new.se) > 0 and not (is_rare and np.isin(values, (0.0, 1.0)).all()):
        return ByT(estimate)
    worse, better = p_from_shares(gain, loss), p_from_shares(loss, gain)
    return ByShares(estimate, gain, loss, 1.0, worse, better, "shares")


def _share(estimate: Estimate) -> Share:
    return share(estimate.value * estimate.clusters, estimate.clusters)


def _size(group: Group) -> int:
    return len(np.unique(group.clusters))


def _draft(baseline: Group, candidate: Group, rule: GateRule) -> Decision:
    n, clusters = len(baseline.values) + len(candidate.values), _size(baseline) + _size(candidate)
    counts = baseline.counts, candidate.counts
    without = sum(side.errors + side.missing for side in counts)
    reason = blocked(rule, n, n + without, clusters, counts)
    return Decision(
        metric=rule.metric,
        verdict="INCONCLUSIVE",
        reason=reason,
        method="none",
        baseline=float(baseline.values.mean()) if baseline.values.size else None,
        candidate=float(candidate.values.mean()) if candidate.values.size else None,
        n=n,
        clusters=clusters,
        margin=rule.margin,
        alpha=rule.alpha,
        power=rule.power,
        complete=not reason,
        baseline_counts=counts[0],
        candidate_counts=counts[1],
    )
