"""Correction: decide whether to answer, ask the model again, quote a passage, or refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from septet_contracts import Draft, Verdict

from septet_guardrails.application.review import Review, review
from septet_guardrails.domain.abstention import is_abstention
from septet_guardrails.domain.entailment import Judgements
from septet_guardrails.domain.policy import Policy
from septet_guardrails.domain.rails import OutputRails
from septet_guardrails.domain.replies import refusal


@dataclass(frozen=True)
class Revise:
    """Ask the model again."""

    complaints: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Conclude:
    """Answer, abstain or refuse; ``truncated``: a refused draft was cut off by a limit."""

    status: Literal["answered", "abstained", "refused"]
    answer: str
    kind: Literal["generated", "extractive", "none"]
    verdicts: tuple[Verdict, ...]
    truncated: bool = False


def decide(
    draft: Draft, policy: Policy, rails: OutputRails, remaining: float, judgements: Judgements | None = None
) -> Revise | Conclude:
    """Review a draft and choose the next step.

    Args:
        draft: the model's answer with its passages.
        policy: the policy of the request.
        rails: output rails by name.
        remaining: seconds until the request's deadline.
        judgements: of an entailment model, if the policy uses one.
    """
    found = review(draft, draft.answer, policy, rails, judgements=judgements)
    if found.passed:
        abstains = draft.ask.output_schema is None and is_abstention(found.text)
        return Conclude("abstained" if abstains else "answered", found.text, "generated", found.verdicts)
    rule = policy.correction
    has_time = remaining >= rule.reask_needs.total_seconds()
    if found.can_be_revised and draft.attempt < rule.max_attempts and has_time:
        return Revise(found.complaints, found.verdicts)
    text = _quotation(draft, found) if rule.extractive else None
    if text is not None:
        quoted = review(draft, text, policy, rails, judgements=judgements)
        if quoted.passed:
            return _quoted(quoted, found)
    truncated = any(finding.truncated for finding in found.failures.values())
    return Conclude("refused", refusal(draft, found.failures), "none", found.verdicts, truncated)


def _quotation(draft: Draft, found: Review) -> str | None:
    """Quote and cite the best sentence of the passages; None if there is none or the draft may not be replaced."""
    best = draft.answerability.best if draft.answerability is not None else None
    if best is None or not found.has_only_quality_failures or draft.ask.output_schema is not None:
        return None
    if not 1 <= best.number <= len(draft.passages):
        return None
    return f'"{" ".join(best.text.split())}" [{best.number}]'


def _quoted(quoted: Review, found: Review) -> Conclude:
    """Conclude with a quotation; its verdicts repeat why the draft failed."""
    note = f"quotation in place of a draft that failed ({found.reasons})"[:500]
    verdicts = tuple(
        v.model_copy(update={"reason": "; ".join(filter(None, (v.reason, note)))})
        if v.rail in found.failures
        else v
        for v in quoted.verdicts
    )
    return Conclude("answered", quoted.text, "extractive", verdicts)
