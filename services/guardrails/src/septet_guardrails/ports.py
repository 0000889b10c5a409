"""Ports of the guardrails service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from septet_guardrails.domain.pii import Span
from septet_guardrails.domain.policy import Policy


class Policies(Protocol):
    """Policies by tenant and name."""

    def find(self, tenant: str, name: str) -> Policy:
        """Return the tenant's policy of that name, or else the common one.

        Raises:
            Rejected: neither exists (code ``unknown_policy``).
        """


class LanguageDetector(Protocol):
    """Detects the language of a text."""

    def __call__(self, text: str) -> tuple[str, float]:
        """Return the ISO 639-1 code and a confidence of 0 to 1."""


class NameFinder(Protocol):
    """Finds names of people and places, which no pattern matches."""

    def __call__(self, text: str) -> Sequence[Span]:
        """Return spans of the entities PERSON and LOCATION."""


class ToxicityClassifier(Protocol):
    """Classifies profanity."""

    def __call__(self, text: str) -> float:
        """Return the probability of profanity, 0 to 1."""
