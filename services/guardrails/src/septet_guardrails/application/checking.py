"""Checking: run the rails on given texts, without a search and without a model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from septet_contracts import CacheInfo, Check, Draft, Passage, RetrievalInfo, Verdict
from septet_kit.injection.embedded import find_instructions, without
from septet_kit.injection.verdict import passages_verdict

from septet_guardrails.application.review import review
from septet_guardrails.domain.entailment import Judgements
from septet_guardrails.domain.policy import InjectionRule, Policy
from septet_guardrails.domain.rails import OutputRails

OFF = RetrievalInfo(mode="off")


@dataclass(frozen=True)
class Checked:
    """Result of :func:`check_answer`; ``answer`` is the text with the rails' corrections, None if one forbids it."""

    status: Literal["answered", "refused"]
    answer: str | None
    verdicts: tuple[Verdict, ...]


def draft_fields(check: Check) -> dict[str, Any]:
    """Return the fields of a draft that stands for the texts of a check."""
    return {
        "answer": check.answer or "",
        "passages": tuple(_passage(n, p.text, p.title) for n, p in enumerate(check.passages, 1)),
        "cache": CacheInfo(status="bypass"),
        "retrieval": OFF,
        "model": "",
        "prompt_version": "",
        # No model has written the text, so nothing is known about its end.
        "finish_reason": "",
    }


def check_passages(
    passages: Sequence[Passage], rule: InjectionRule
) -> tuple[tuple[Passage, ...], tuple[Verdict, ...]]:
    """Run the retrieval rail: return the passages as a model would read them, and the verdict on them."""
    if not passages or not rule.enabled:
        return tuple(passages), ()
    began, counts, shown = time.perf_counter(), {}, []
    for passage in passages:
        texts = {
            "title": find_instructions(passage.title),
            "text": find_instructions(passage.text, passage.title),
        }
        if found := sum(map(len, texts.values())):
            counts[passage.document_id] = found
        masked = {name: without(getattr(passage, name), spans) for name, spans in texts.items()}
        shown.append(passage.model_copy(update=masked))
    decision = "flag" if rule.action == "flag" else "mask"
    verdict = passages_verdict(counts, decision, round((time.perf_counter() - began) * 1000, 3))
    return tuple(passages if decision == "flag" else shown), (verdict,)


def check_answer(
    draft: Draft, policy: Policy, rails: OutputRails, judgements: Judgements | None = None
) -> Checked:
    """Run the output rails on a given answer. A rail that would ask the model again refuses it."""
    found = review(draft, draft.answer, policy, rails, judgements=judgements)
    if not found.passed:
        return Checked("refused", None, found.verdicts)
    return Checked("answered", found.text, found.verdicts)


def _passage(number: int, text: str, title: str) -> Passage:
    # Feedback on this source must not reach a document of the tenant.
    name = f"septet-check-{number}"
    return Passage(
        passage_id=name,
        document_id=name,
        content_hash="",
        title=title,
        text=text,
        start=0,
        end=len(text),
        score=1.0,
    )
