"""The stop rule of a canary: metrics, errors and latencies of two groups, at repeated looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from septet_experiments.gates.exceedance import p_slower
from septet_experiments.gates.groups import Group, compare
from septet_experiments.gates.looks import Spending, look_levels
from septet_experiments.gates.pairs import Floats
from septet_experiments.gates.rule import Decision, GateRule, Verdict

QUANTILE = 0.99
_LIMITS = 2


@dataclass(frozen=True)
class Watched:
    """A metric of the stop rule. The ``alpha`` of its rule is not used."""

    rule: GateRule
    higher_is_better: bool = True


@dataclass(frozen=True)
class Limits:
    """How much worse a candidate may be before it is stopped.

    Attributes:
        errors: accepted increase of the share of failed requests, 0…1.
        slower: accepted ratio of the p99 latencies.
    """

    errors: float = 0.05
    slower: float = 2.0


@dataclass(frozen=True)
class Side:
    """Values of one variant.

    Attributes:
        metrics: values of each metric, by name.
        failed: for each request 1 if it failed, else 0.
        seconds: latency of each request.
    """

    metrics: Mapping[str, Group]
    failed: Group
    seconds: Group


@dataclass(frozen=True)
class Look:
    """What the stop rule found.

    Attributes:
        decisions: one for each metric, in order.
        breaches: limits that are exceeded, one sentence each.
    """

    decisions: tuple[Decision, ...]
    breaches: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """``FAIL`` stops the candidate: a limit is exceeded or a metric fails. ``PASS``: every metric passes."""
        verdicts = {decision.verdict for decision in self.decisions}
        if self.breaches or "FAIL" in verdicts:
            return "FAIL"
        return "PASS" if verdicts == {"PASS"} else "INCONCLUSIVE"

    @property
    def reason(self) -> str:
        """One sentence for a person: the limits that are exceeded, then the metrics that fail, else those that count."""
        failed = [decision.reason for decision in self.decisions if decision.verdict == "FAIL"]
        return "; ".join([*self.breaches, *failed]) or "; ".join(
            decision.reason for decision in self.decisions
        )


@dataclass(frozen=True)
class StopRule:
    """When a canary is stopped.

    Metrics and limits have equal parts of the error probability (Bonferroni), and each part is spread over the looks. So an
    unchanged candidate is stopped by any of them at any look with probability ``alpha`` at most.

    Attributes:
        watched: metrics; a candidate that is worse in one of them is stopped.
        limits: limits of errors and latency.
        alpha: error probability of the whole canary.
        spending: how it is spread over the looks.
    """

    watched: Sequence[Watched]
    limits: Limits = Limits()
    alpha: float = 0.05
    spending: Spending = "pocock"

    def level(self, fractions: Sequence[float]) -> float:
        """Error probability of each part at the last of these looks. The arguments are those of ``look_levels``."""
        parts = len(self.watched) + _LIMITS
        return look_levels(fractions, self.alpha / parts, self.spending)[-1]

    def decide(self, baseline: Side, candidate: Side, level: float) -> Look:
        """Decide about the values up to a look.

        Args:
            baseline: values of the live variant.
            candidate: values of the candidate.
            level: that of the look, from ``level``.

        Raises:
            NotComparable: a conversation has values on both sides.
        """
        decisions = tuple(
            compare(
                baseline.metrics[part.rule.metric],
                candidate.metrics[part.rule.metric],
                part.rule.model_copy(update={"alpha": level}),
                higher_is_better=part.higher_is_better,
            )
            for part in self.watched
        )
        found = (self._errors(baseline, candidate, level), self._slower(baseline, candidate, level))
        return Look(decisions, tuple(breach for breach in found if breach))

    def _errors(self, baseline: Side, candidate: Side, level: float) -> str:
        rule = GateRule(metric="errors", margin=self.limits.errors, alpha=level)
        decision = compare(baseline.failed, candidate.failed, rule, higher_is_better=False)
        if decision.upper is None or decision.upper >= -self.limits.errors:
            return ""
        return (
            f"{decision.candidate or 0:.1%} of the candidate's requests failed, and {decision.baseline or 0:.1%} of the "
            f"others; the limit is {self.limits.errors:.1%} more"
        )

    def _slower(self, baseline: Side, candidate: Side, level: float) -> str:
        old, new = _slowest(baseline.seconds), _slowest(candidate.seconds)
        if p_slower(old * self.limits.slower, new, QUANTILE) >= level:
            return ""
        slow = [float(np.quantile(side.seconds.values, QUANTILE)) for side in (baseline, candidate)]
        return (
            f"the candidate's p99 latency is {slow[1]:.3g} s, and {slow[0]:.3g} s of the others; "
            f"the limit is a ratio of {self.limits.slower:g}"
        )


def _slowest(group: Group) -> Floats:
    """Latency of each conversation's slowest request: conversations are independent, their requests are not."""
    slowest = np.full(group.size, -np.inf)
    np.maximum.at(slowest, group.codes, group.values)
    return slowest
