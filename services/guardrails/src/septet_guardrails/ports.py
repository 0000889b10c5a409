"""Ports of the guardrails service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from septet_guardrails.domain.entailment import Pair
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


class EntailmentModel(Protocol):
    """Judges whether a passage supports a claim."""

    @property
    def digest(self) -> str:
        """Digest of the model's name and of everything that its scores depend on."""

    async def score(self, pair: Pair) -> float:
        """Return how well the passage supports the claim, 0 to 1. Callers limit the time.

        Raises:
            Transient: the model is down or busy, or its reply has no score.
            Permanent: the endpoint rejects the call.
        """

    async def aclose(self) -> None:
        """Close all connections."""
