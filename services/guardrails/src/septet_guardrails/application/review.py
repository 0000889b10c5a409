"""Review: run an answer through the output rails."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from septet_contracts import Draft, Verdict

from septet_guardrails.application.rail_run import run_rail
from septet_guardrails.domain.entailment import Judgements
from septet_guardrails.domain.policy import Policy
from septet_guardrails.domain.rails import QUALITY_RAILS, Answer, OutputRails
from septet_guardrails.domain.rails.base import MAX_ANSWER, Finding
from septet_guardrails.domain.rails.format import FormatRail


@dataclass(frozen=True)
class Review:
    """Result of :func:`review`.

    Attributes:
        text: the answer with the rails' corrections.
        verdicts: one for each rail that ran.
        failures: findings that forbid the answer, by rail.
    """

    text: str
    verdicts: tuple[Verdict, ...]
    failures: dict[str, Finding]

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def can_be_revised(self) -> bool:
        """Whether a second model call can help: no failure is a block."""
        return all(finding.decision == "reask" for finding in self.failures.values())

    @property
    def has_only_quality_failures(self) -> bool:
        """Whether a quotation may replace the answer: it is of low quality, but harmless."""
        return self.failures.keys() <= QUALITY_RAILS

    @property
    def complaints(self) -> tuple[str, ...]:
        return tuple(finding.complaint or finding.reason for finding in self.failures.values())

    @property
    def reasons(self) -> str:
        return "; ".join(f"{rail}: {finding.reason}" for rail, finding in self.failures.items())


def review(
    draft: Draft,
    text: str,
    policy: Policy,
    rails: OutputRails,
    skip: Collection[str] = (),
    judgements: Judgements | None = None,
) -> Review:
    """Run the enabled rails on ``text`` in order until one ends the review.

    Each rail reads the text with the corrections of the rails before it. Rails after the end do not run and have
    no verdict. ``judgements`` are those of an entailment model, if the policy uses one.
    """
    if len(text) > MAX_ANSWER:
        return _too_long(text)
    verdicts, failures = [], {}
    rules = policy.output_rules(contained=draft.contained)
    for name, rail in rails.items():
        rule = getattr(rules, name)
        if not rule.enabled or name in skip:
            continue
        finding, verdict = run_rail(name, rail, Answer(text, draft, judgements), rule, "output")
        verdicts.append(verdict)
        text = finding.text if finding.text is not None else text
        if finding.decision in ("reask", "block"):
            failures[name] = finding
        if finding.ends:
            break
    return Review(text, tuple(verdicts), failures)


def _too_long(text: str) -> Review:
    """Block an answer that is too long for the rails to read, whatever the policy's length limit."""
    reason = f"the answer has {len(text)} characters, more than {MAX_ANSWER}"
    verdict = Verdict(rail=FormatRail.name, stage="output", decision="block", reason=reason)
    return Review(text, (verdict,), {FormatRail.name: Finding("block", None, reason)})
