"""What rails have in common: they look at a subject under a rule and return a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from septet_contracts import Ask, Draft

Decision = Literal["pass", "flag", "mask", "fix", "reask", "block"]
RuleT = TypeVar("RuleT", contravariant=True)
SubjectT = TypeVar("SubjectT", contravariant=True)


@dataclass(frozen=True)
class Finding:
    """A rail's decision.

    Attributes:
        decision: what to do; ``block`` ends a question, and an answer unless it can be replaced.
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


PASSED = Finding("pass")


@dataclass(frozen=True)
class Question:
    """The subject of input rails: the wish, its language and texts that a person wrote."""

    ask: Ask
    language: str
    language_confidence: float

    @property
    def user_texts(self) -> tuple[str, ...]:
        """The question and earlier user messages. System messages are the application's own."""
        earlier = tuple(message.content for message in self.ask.history if message.role == "user")
        return (self.ask.query, *earlier)


@dataclass(frozen=True)
class Answer:
    """The subject of output rails: the text as corrected so far, and the draft it came from."""

    text: str
    draft: Draft


class Rail(Protocol[SubjectT, RuleT]):
    """A check. ``name`` is its key in the policy and in verdicts."""

    @property
    def name(self) -> str: ...

    def check(self, subject: SubjectT, rule: RuleT) -> Finding:
        """Judge ``subject`` under ``rule``; pure, and bounded in time for any input."""
