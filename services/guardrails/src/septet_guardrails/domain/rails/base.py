"""What rails have in common: they look at a subject under a rule and return a finding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, TypeVar

from septet_contracts import Ask, Draft

from septet_guardrails.domain.policy import Rule
from septet_guardrails.domain.text import fold

MAX_READ = 128 * 1024
"""Most characters of a question and the user messages before it that rails read, in folded form."""

MAX_ANSWER = 128 * 1024
"""Most characters of an answer that rails read."""

Decision = Literal["pass", "flag", "mask", "fix", "reask", "block"]
RuleT = TypeVar("RuleT", contravariant=True)
SubjectT = TypeVar("SubjectT", contravariant=True)


@dataclass(frozen=True)
class Finding:
    """A rail's decision.

    Attributes:
        decision: what to do; after ``block`` no further rail runs.
        final: whether no further rail runs although the decision is not ``block``.
        score: what the threshold was compared with, if the rail has one.
        reason: for the verdict; never quotes personal data.
        complaint: for the model that is asked again, one sentence.
        text: the corrected answer, when the decision is ``fix`` or ``mask`` on an answer.
        ask: the corrected wish, when the decision is ``mask`` on a question.
    """

    decision: Decision
    score: float | None = None
    reason: str = ""
    complaint: str = ""
    text: str | None = None
    ask: Ask | None = None
    final: bool = False

    @property
    def ends(self) -> bool:
        """Whether the rails after this one are skipped."""
        return self.final or self.decision == "block"


PASSED = Finding("pass")


@dataclass(frozen=True)
class Question:
    """The subject of input rails: the wish, its language and texts that a person wrote."""

    ask: Ask
    language: str
    language_confidence: float

    @cached_property
    def user_texts(self) -> tuple[str, ...]:
        """The question and earlier user messages. System messages are the application's own."""
        earlier = tuple(message.content for message in self.ask.history if message.role == "user")
        return (self.ask.query, *earlier)

    @cached_property
    def read_size(self) -> int:
        """Characters that rails have to read; compatibility forms can make it 18 times the size as sent."""
        return sum(len(fold(text)) for text in self.user_texts)


@dataclass(frozen=True)
class Answer:
    """The subject of output rails: the text as corrected so far, and the draft it came from."""

    text: str
    draft: Draft


def refuse_unread(subject: Question, rule: Rule) -> Finding | None:
    """The finding of a rail that cannot read all of its subject: unread text does not pass."""
    if subject.read_size <= MAX_READ:
        return None
    reason = f"{subject.read_size} characters to read, more than {MAX_READ}"
    return Finding("flag" if rule.action == "flag" else "block", 1.0, reason)


class Rail(Protocol[SubjectT, RuleT]):
    """A check. ``name`` is its key in the policy and in verdicts."""

    @property
    def name(self) -> str: ...

    def check(self, subject: SubjectT, rule: RuleT) -> Finding:
        """Judge ``subject`` under ``rule``; pure, and bounded in time for any input."""
