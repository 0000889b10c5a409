"""What becomes of a reviewed draft: answered, asked again, replaced by a quotation, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from septet_contracts import Draft, Verdict

from septet_guardrails.domain.abstention import is_abstention
from septet_guardrails.domain.policy import Policy
from septet_guardrails.domain.rails import OutputRails
from septet_guardrails.domain.replies import refusal
from septet_guardrails.domain.review import Review, review


@dataclass(frozen=True)
class Revise:
    """Ask the model once more."""

    complaints: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Conclude:
    """End the request."""

    status: Literal["answered", "abstained", "refused"]
    answer: str
    kind: Literal["generated", "extractive", "none"]
    verdicts: tuple[Verdict, ...]


def decide(draft: Draft, policy: Policy, rails: OutputRails, remaining: float) -> Revise | Conclude:
    """Review a draft and choose the next step.

    Args:
        draft: the model's answer with its passages.
        policy: the request's.
        rails: output rails by name.
        remaining: seconds until the request's deadline.
    """
    found = review(draft, draft.answer, policy, rails)
    if found.passed:
        silent = draft.ask.output_schema is None and is_abstention(found.text)
        return Conclude("abstained" if silent else "answered", found.text, "generated", found.verdicts)
    rule = policy.correction
    if found.mendable and draft.attempt < rule.max_attempts and remaining >= rule.reask_needs.total_seconds():
        return Revise(found.complaints, found.verdicts)
    quoted = _quotation(draft, policy, rails, found) if rule.extractive else None
    if quoted is not None:
        return quoted
    return Conclude("refused", refusal(draft, found.failures), "none", found.verdicts)


def _quotation(draft: Draft, policy: Policy, rails: OutputRails, found: Review) -> Conclude | None:
    """The best sentence of the passages, quoted and cited, if the rails let it pass."""
    best = draft.answerability.best if draft.answerability is not None else None
    if best is None or not found.only_quality or draft.ask.output_schema is not None:
        return None
    if not 1 <= best.number <= len(draft.passages):
        return None
    text = f'"{" ".join(best.text.split())}" [{best.number}]'
    quoted = review(draft, text, policy, rails)
    if not quoted.passed:
        return None
    note = f"quotation in place of a draft that failed ({found.reasons})"[:500]
    verdicts = tuple(
        v.model_copy(update={"reason": "; ".join(filter(None, (v.reason, note)))})
        if v.rail in found.failures
        else v
        for v in quoted.verdicts
    )
    return Conclude("answered", quoted.text, "extractive", verdicts)
