"""Gates with one primary metric and further ones."""

from __future__ import annotations

from collections.abc import Sequence

from septet_experiments.gates.paired import decide
from septet_experiments.gates.pairs import Pairs
from septet_experiments.gates.rule import Decision, GateResult, GateRule, Verdict

Judged = tuple[Pairs, GateRule]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979), in the order of the given ones.

    They keep the probability of any false rejection among them below ``alpha``, whatever their dependence.
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def decide_all(primary: Judged, secondary: Sequence[Judged] = ()) -> GateResult:
    """Decide about one primary metric and any number of secondary ones.

    A secondary metric fails if its p-value is below ``alpha`` after Holm's correction over all secondary metrics. The gate

    - fails if a metric fails;
    - is inconclusive if the primary metric is, or if errors or missing cases prevent the decision of any metric;
    - passes otherwise: wide bounds of a secondary metric are reported and prevent nothing.

    An unchanged candidate fails with a probability of at most ``alpha`` by the primary metric, and at most ``alpha`` by
    all secondary ones together.

    Args:
        primary: pairs of the primary metric and their rule.
        secondary: the same of each secondary metric.
    """
    first = decide(*primary)
    plain = [decide(pairs, rule) for pairs, rule in secondary]
    adjusted = holm([1.0 if found.p_worse is None else found.p_worse for found in plain])
    others = [decide(pairs, rule, p_adjusted=p) for (pairs, rule), p in zip(secondary, adjusted, strict=True)]
    verdict, reason = _together(first, others)
    return GateResult(verdict=verdict, reason=reason, primary=first, secondary=tuple(others))


def _together(primary: Decision, secondary: Sequence[Decision]) -> tuple[Verdict, str]:
    failed = [found for found in (primary, *secondary) if found.verdict == "FAIL"]
    if failed:
        return "FAIL", "; ".join(found.reason for found in failed)
    incomplete = [found for found in (primary, *secondary) if not found.complete]
    if incomplete:
        return "INCONCLUSIVE", "; ".join(f"{found.metric}: {found.reason}" for found in incomplete)
    return primary.verdict, primary.reason
