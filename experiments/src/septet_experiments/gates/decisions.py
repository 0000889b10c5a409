"""Turns evidence into a verdict."""

from __future__ import annotations

import math

from septet_experiments.gates.evidence import Evidence, needed_factor
from septet_experiments.gates.rule import Counts, Decision, GateRule, Verdict


def blocked(rule: GateRule, n: int, cases: int, clusters: int, counts: tuple[Counts, Counts]) -> str:
    """Why no decision is possible, whatever the values are; empty if one is."""
    for name, side in zip(("baseline", "candidate"), counts, strict=True):
        if side.share > rule.max_errors:
            without = side.errors + side.missing
            return (
                f"{without} of {side.draws} draws of the {name} have no value ({side.share:.1%}); "
                f"the limit is {rule.max_errors:.1%}"
            )
    if rule.cases is not None and cases < rule.cases:
        return f"{cases} of the {rule.cases} cases fixed beforehand were run"
    if n == 0:
        return "there are no values to compare"
    return "all cases belong to one cluster, so the variation is unknown" if clusters < 2 else ""


def conclude(
    draft: Decision, evidence: Evidence, rule: GateRule, p_adjusted: float | None = None
) -> Decision:
    """Complete a draft, which holds counts and means, by bounds and verdict.

    Args:
        draft: the decision without a verdict; its reason is set if no decision is possible.
        evidence: bounds and p-value.
        rule: margin and error probabilities.
        p_adjusted: p-value of a loss after Holm's correction; it then decides about ``FAIL``.
    """
    lower, upper = evidence.bounds(rule.alpha)
    p = evidence.p_worse if p_adjusted is None else p_adjusted
    verdict: Verdict = "INCONCLUSIVE"
    if draft.complete and p < rule.alpha:
        verdict = "FAIL"
    elif draft.complete and lower is not None and lower > -rule.margin:
        verdict = "PASS"
    factor = None
    if draft.complete and verdict == "INCONCLUSIVE":
        factor = needed_factor(evidence, rule.margin, rule.alpha, rule.power)
    decided = draft.model_copy(
        update={
            "verdict": verdict,
            "method": evidence.method,
            "difference": evidence.estimate.value,
            "lower": lower,
            "upper": upper,
            "p_worse": evidence.p_worse,
            "p_adjusted": p_adjusted,
            "mde": evidence.detectable(rule.alpha, rule.power),
            "cases_needed": None if factor is None else max(math.ceil(draft.n * factor), draft.n + 1),
        }
    )
    return decided if draft.reason else decided.model_copy(update={"reason": _reason(decided)})


def _reason(decision: Decision) -> str:
    metric, margin = decision.metric, f"{decision.margin:.4g}"
    confidence = f"{1 - decision.alpha:.4g}"
    if decision.verdict == "FAIL":
        adjusted = (
            "" if decision.p_adjusted is None else f", {decision.p_adjusted:.2g} after Holm's correction"
        )
        return (
            f"{metric} is worse: the difference is {_number(decision.difference)}, its upper bound "
            f"{_number(decision.upper)} (p = {decision.p_worse:.2g}{adjusted})"
        )
    if decision.verdict == "PASS":
        return f"the lower bound of the difference of {metric}, {_number(decision.lower)}, is above −{margin}"
    if decision.lower is None:
        return (
            f"the changes of {metric} are too few for a bound: set `span` to its largest possible difference"
        )
    between = (
        f"the difference of {metric} lies between {_number(decision.lower)} and {_number(decision.upper)} "
        f"(each bound with confidence {confidence}); the margin is {margin}"
    )
    if decision.margin == 0:
        return f"{between}: no number of cases shows that an unchanged candidate is better"
    if decision.cases_needed is None:
        return f"{between}: more cases of this kind do not decide"
    return f"{between}: about {decision.cases_needed:,} cases decide, n = {decision.n:,}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.4g}".replace("-", "−")
