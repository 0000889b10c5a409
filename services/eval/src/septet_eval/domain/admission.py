"""Admission to the cache: an answer must pass every condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from septet_contracts import Outcome, Score, Verdict

_HARMLESS = frozenset({"pass", "mask", "fix"})
_OWN_PARTS = "eval."
"""Prefix of missing scores in ``degraded``. A missing score does not bar an answer; the floors apply to the others."""


@dataclass(frozen=True)
class Floors:
    """Minimum scores for admission; ``grounded_only`` requires a groundedness score."""

    scores: Mapping[str, float]
    grounded_only: bool = True


def admission(outcome: Outcome, scores: Sequence[Score], floors: Floors) -> tuple[bool, str]:
    """Whether the cache may keep the answer, and the reason in one sentence."""
    reason = _not_an_answer(outcome) or _not_clean(outcome) or _not_good(scores, floors)
    if reason:
        return False, reason
    return (
        True,
        "answered by the model or a quote, passed every guardrail, and every score is above its floor",
    )


def _not_an_answer(outcome: Outcome) -> str | None:
    if outcome.status != "answered":
        return f"the status is {outcome.status}"
    if outcome.answer_kind not in ("generated", "extractive") or not outcome.answer:
        return f"the answer is of kind {outcome.answer_kind}"
    if outcome.ask.evaluation is not None:
        return "the request belongs to an evaluation run"
    if outcome.ask.cache.use == "bypass":
        return "the request bypasses the cache"
    return None


def _not_clean(outcome: Outcome) -> str | None:
    for verdict in final_verdicts(outcome.verdicts):
        if verdict.decision not in _HARMLESS:
            return f"guardrail {verdict.rail} decided {verdict.decision}"
        if verdict.stage == "input" and verdict.decision == "mask":
            return "the question contained personal data"
    missing = [part for part in outcome.degraded if not part.startswith(_OWN_PARTS)]
    if missing:
        return f"not available: {', '.join(missing)}"
    return None


def _not_good(scores: Sequence[Score], floors: Floors) -> str | None:
    values = {s.name: s.value for s in scores}
    if floors.grounded_only and "groundedness" not in values:
        return "there are no passages to check the answer against"
    for name, floor in floors.scores.items():
        if name in values and values[name] < floor:
            return f"{name} {values[name]:.2f} is below {floor:.2f}"
    if values.get("refusal", 0.0) >= 1.0:
        return "the answer declines to answer"
    return None


def final_verdicts(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The last verdict of each rail and stage, so that a corrected draft's verdict replaces the rejected one's."""

    return list({(v.stage, v.rail): v for v in verdicts}.values())
