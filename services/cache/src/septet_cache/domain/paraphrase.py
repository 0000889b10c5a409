"""Paraphrase verification: whether a stored answer to one question may be served for another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from septet_contracts import CacheCheck

from septet_cache.domain.classifier import Classifiers, classifiers
from septet_cache.domain.entry import Candidate
from septet_cache.domain.features import features
from septet_cache.domain.reading import Reading, read
from septet_cache.domain.verify import align, run_checks

MAX_QUESTION_CHARS = 400


@dataclass(frozen=True)
class Comparison:
    """Result of comparing two questions.

    Attributes:
        checks: the checks that ran; the classifier runs last, and only if all others passed.
        probability: the classifier's, that both questions have the same meaning; 0 if it did not run.
    """

    checks: tuple[CacheCheck, ...]
    probability: float

    @property
    def is_safe(self) -> bool:
        return bool(self.checks) and all(c.passed for c in self.checks)

    @property
    def failed_check(self) -> CacheCheck | None:
        return next((c for c in self.checks if not c.passed), None)


@dataclass(frozen=True)
class Verification(Comparison):
    """Result of verifying a candidate: the entry and its similarity."""

    candidate: Candidate


def read_question(question: str, language: str | None) -> Reading | None:
    """Read a question for verification; None if it is too long or its language has no reader."""
    return read(question, language) if len(question) <= MAX_QUESTION_CHARS else None


def verify(
    reading: Reading,
    candidate: Candidate,
    strictness: float | None = None,
    models: Classifiers | None = None,
) -> Verification:
    """Compare the candidate's question with ``reading``."""
    other = read_question(candidate.entry.question, candidate.entry.language)
    found = compare(reading, other, candidate.similarity, strictness, models)
    return Verification(found.checks, found.probability, candidate)


def compare(
    reading: Reading,
    other: Reading | None,
    similarity: float,
    strictness: float | None = None,
    models: Classifiers | None = None,
) -> Comparison:
    """Run the checks on two questions, then the classifier.

    Args:
        reading: the new question.
        other: the earlier question; None if it cannot be read.
        similarity: cosine of the questions' embeddings.
        strictness: replaces the classifier's trained threshold (0 to 1).
        models: the classifiers; by default the shipped ones.
    """
    if other is None:
        return Comparison((CacheCheck(name="language", passed=False, detail="cannot be read"),), 0.0)
    alignment = align(reading, other)
    checks = tuple(CacheCheck(name=c.name, passed=c.passed, detail=c.detail) for c in run_checks(alignment))
    if not all(c.passed for c in checks):
        return Comparison(checks, 0.0)
    classifier = (classifiers() if models is None else models).get(reading.language)
    if classifier is None:
        detail = f"no classifier for {reading.language} is calibrated"
        return Comparison((*checks, CacheCheck(name="second_opinion", passed=False, detail=detail)), 0.0)
    threshold = classifier.threshold if strictness is None else strictness
    probability = classifier.probability(features(alignment, similarity))
    detail = f"same meaning with probability {probability:.2f}; {threshold:.2f} is needed"
    # Clients know the classifier's check under this name.
    scored = CacheCheck(name="second_opinion", passed=probability >= threshold, detail=detail)
    return Comparison((*checks, scored), probability)


def best(verifications: Iterable[Verification]) -> Verification | None:
    """Return the best candidate: a safe one if there is one, with the greatest probability, then similarity."""
    return max(verifications, key=lambda v: (v.is_safe, v.probability, v.candidate.similarity), default=None)
