"""A draft through all output rails."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from septet_contracts import Draft, Verdict

from septet_guardrails.domain.policy import Policy
from septet_guardrails.domain.rails import QUALITY_RAILS, Answer, OutputRails
from septet_guardrails.domain.rails.base import Finding


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
    """Run every enabled rail on ``text``; each sees the text as corrected by those before it."""
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
    return Review(text, tuple(verdicts), failures)
