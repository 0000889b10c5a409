"""May a kept answer to one question be served to another?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from septet_contracts import CacheCheck

from septet_cache.domain.entry import Candidate
from septet_cache.domain.features import features
from septet_cache.domain.reading import Reading, read
from septet_cache.domain.second_opinion import opinions
from septet_cache.domain.verify import align, run_checks

MAX_QUESTION_CHARS = 400


@dataclass(frozen=True)
class Judgement:
    """A candidate's verdict; ``probability`` is 0 when a check failed, since nothing was scored then."""

    candidate: Candidate
    checks: tuple[CacheCheck, ...]
    probability: float

    @property
    def safe(self) -> bool:
        return bool(self.checks) and all(c.passed for c in self.checks)

    @property
    def objection(self) -> CacheCheck | None:
        return next((c for c in self.checks if not c.passed), None)


def readable(question: str, language: str | None) -> Reading | None:
    """Read a question for verification; None when it is too long, or in a language without a reader."""
    return read(question, language) if len(question) <= MAX_QUESTION_CHARS else None


def judge(reading: Reading, candidate: Candidate, strictness: float | None = None) -> Judgement:
    """Check a candidate's question against ``reading``, then ask for the second opinion.

    ``strictness`` replaces the trained threshold (0 to 1) when given.
    """
    other = readable(candidate.entry.question, candidate.entry.language)
    if other is None:
        return Judgement(
            candidate, (CacheCheck(name="language", passed=False, detail="cannot be read"),), 0.0
        )
    alignment = align(reading, other)
    checks = tuple(CacheCheck(name=c.name, passed=c.passed, detail=c.detail) for c in run_checks(alignment))
    if not all(c.passed for c in checks):
        return Judgement(candidate, checks, 0.0)
    opinion = opinions()[reading.language]
    threshold = opinion.threshold if strictness is None else strictness
    probability = opinion.probability(features(alignment, candidate.similarity))
    scored = CacheCheck(
        name="second_opinion", passed=probability >= threshold,
        detail=f"same meaning with probability {probability:.2f}; {threshold:.2f} is needed",
    )  # fmt: skip
    return Judgement(candidate, (*checks, scored), probability)


def best(judgements: Iterable[Judgement]) -> Judgement | None:
    """The safest candidate: one that passed everything before one that did not, then by score and similarity."""
    return max(judgements, key=lambda j: (j.safe, j.probability, j.candidate.similarity), default=None)
