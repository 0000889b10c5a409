"""Base types of rails: a rail checks a subject under a rule and returns a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol, TypeVar

from septet_contracts import Ask, Draft

from septet_guardrails.domain.entailment import Judgements
from septet_guardrails.domain.operating_points import OperatingPoints
from septet_guardrails.domain.policy import Rule
from septet_guardrails.domain.text import fold

MAX_READ = 128 * 1024
"""Most characters that rails read of a question and its earlier user messages, in folded form."""

MAX_ANSWER = 128 * 1024
"""Most characters of an answer that rails read."""

Decision = Literal["pass", "flag", "contain", "mask", "fix", "reask", "block"]
RuleT = TypeVar("RuleT", contravariant=True)
SubjectT = TypeVar("SubjectT", contravariant=True)


@dataclass(frozen=True)
class Finding:
    """A rail's decision.

    Attributes:
        decision: what to do; after ``block`` no further rail runs.
        score: the value that is compared with the threshold, if the rail has one.
        reason: for the verdict; never quotes personal data.
        complaint: one sentence for the model that is asked again.
        text: the corrected answer, if the decision on an answer is ``fix`` or ``mask``.
        ask: the masked question, if the decision on a question is ``mask``.
        values: masked values by placeholder, if the answer may repeat them.
        final: whether no further rail runs although the decision is not ``block``.
        reply: the answer to a question that needs neither documents nor a model.
        truncated: whether the draft failed because a limit cut it off.
    """

    decision: Decision
    score: float | None = None
    reason: str = ""
    complaint: str = ""
    text: str | None = None
    ask: Ask | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    final: bool = False
    reply: str | None = None
    truncated: bool = False

    @property
    def ends(self) -> bool:
        """Whether the rails after this one are skipped."""
        return self.final or self.decision == "block"


PASSED = Finding("pass")


@dataclass(frozen=True)
class Question:
    """Subject of input rails: a question with its options, messages and language."""

    ask: Ask
    language: str
    language_confidence: float

    @cached_property
    def user_texts(self) -> tuple[str, ...]:
        """The question and the earlier user messages. System messages come from the application."""
        earlier = tuple(message.content for message in self.ask.history if message.role == "user")
        return (self.ask.query, *earlier)

    @cached_property
    def read_size(self) -> int:
        """Characters that rails read. Folding can expand a compatibility character to 18 characters."""
        return sum(len(fold(text)) for text in self.user_texts)


@dataclass(frozen=True)
class Answer:
    """Subject of output rails: the answer with corrections so far, its draft, and what an entailment model says."""

    text: str
    draft: Draft
    judgements: Judgements | None = None


def refuse_unread(subject: Question, rule: Rule) -> Finding | None:
    """Return the finding for a subject that is too long to read completely; None if it is not too long."""
    if subject.read_size <= MAX_READ:
        return None
    reason = f"{subject.read_size} characters to read, more than {MAX_READ}"
    return Finding(_decision(rule, "block"), 1.0, reason)


def finding_at(points: OperatingPoints, score: float, reason: str, rule: Rule) -> Finding:
    """Return the finding for a score, with the reason if the rail acts."""
    outcome = points.outcome(score)
    if outcome == "pass":
        return Finding("pass", round(score, 3))
    return Finding(_decision(rule, outcome), round(score, 3), reason)


def _decision(rule: Rule, outcome: Literal["block", "contain"]) -> Decision:
    """Return the outcome of a rail, or the milder action of its rule."""
    return rule.action if rule.action in ("flag", "contain") else outcome


class Rail(Protocol[SubjectT, RuleT]):
    """A rail. ``name`` is its key in policies and verdicts."""

    @property
    def name(self) -> str: ...

    def check(self, subject: SubjectT, rule: RuleT) -> Finding:
        """Check ``subject`` under ``rule``. Pure, with a bounded run time for any input."""
