"""A draft through all output rails."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from septet_contracts import Draft, Verdict

from septet_guardrails.domain.policy import Policy
from septet_guardrails.domain.rails import QUALITY_RAILS, Answer, OutputRails
from septet_guardrails.domain.rails.base import MAX_ANSWER, Finding
from septet_guardrails.domain.rails.format import FormatRail


@dataclass(frozen=True)
class Review:
    """The answer as corrected, every rail's verdict, and the findings that forbid it as it stands."""

    text: str
    verdicts: tuple[Verdict, ...]
    failures: dict[str, Finding]

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def mendable(self) -> bool:
        """Whether asking the model again can help: no failure is final."""
        return all(finding.decision == "reask" for finding in self.failures.values())

    @property
    def only_quality(self) -> bool:
        """Whether the answer is merely bad, so that a quotation may stand in for it."""
        return self.failures.keys() <= QUALITY_RAILS

    @property
    def complaints(self) -> tuple[str, ...]:
        return tuple(finding.complaint or finding.reason for finding in self.failures.values())

    @property
    def reasons(self) -> str:
        return "; ".join(f"{rail}: {finding.reason}" for rail, finding in self.failures.items())


def review(draft: Draft, text: str, policy: Policy, rails: OutputRails, skip: Collection[str] = ()) -> Review:
    """Run the enabled rails on ``text`` in order until one ends the review.

    Each rail sees the text as corrected by those before it; the rails after the end have no verdict.
    """
    if len(text) > MAX_ANSWER:
        return _too_long(text)
    verdicts, failures = [], {}
    for name, rail in rails.items():
        rule = getattr(policy.output, name)
        if not rule.enabled or name in skip:
            continue
        began = time.perf_counter()
        finding = rail.check(Answer(text, draft), rule)
        text = finding.text if finding.text is not None else text
        verdicts.append(
            Verdict(
                rail=name, stage="output", decision=finding.decision, score=finding.score, reason=finding.reason,
                latency_ms=round((time.perf_counter() - began) * 1000, 3),
            )
        )  # fmt: skip
        if finding.decision in ("reask", "block"):
            failures[name] = finding
        if finding.ends:
            break
    return Review(text, tuple(verdicts), failures)


def _too_long(text: str) -> Review:
    """An answer that no rail reads is refused, whatever the policy says of its length."""
    reason = f"the answer has {len(text)} characters, more than {MAX_ANSWER}"
    verdict = Verdict(rail=FormatRail.name, stage="output", decision="block", reason=reason)
    return Review(text, (verdict,), {FormatRail.name: Finding("block", None, reason)})
