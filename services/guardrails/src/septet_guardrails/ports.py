"""What the service needs from outside its domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from septet_guardrails.domain.pii import Span
from septet_guardrails.domain.policy import Policy


class Policies(Protocol):
    """The policies that requests may name."""

    def find(self, tenant: str, name: str) -> Policy:
        """The tenant's own policy of that name, or the common one.

        Raises:
            Rejected: there is none (code ``unknown_policy``).
        """


class LanguageDetector(Protocol):
    """Recognises the language of a text."""

    def __call__(self, text: str) -> tuple[str, float]:
        """ISO 639-1 code and confidence, 0 to 1."""


class NameFinder(Protocol):
    """Finds people and places, which have no pattern."""

    def __call__(self, text: str) -> Sequence[Span]:
        """Spans with entities PERSON and LOCATION."""


class ToxicityClassifier(Protocol):
    """A second opinion on abusive language."""

    def __call__(self, text: str) -> float:
        """Probability of profanity, 0 to 1."""
