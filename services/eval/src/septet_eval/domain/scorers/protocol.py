"""The type of scorers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from septet_contracts import Score

from septet_eval.domain.case import Case


@dataclass(frozen=True)
class Scorer:
    """A named, pure function from a case to a score, or to None where it does not apply.

    A ``semantic`` scorer uses the answer's embedding if there is one. It runs after the others, which are computed
    while the embedding is fetched.
    """

    name: str
    function: Callable[[Case], Score | None]
    semantic: bool = False


def rounded(value: float) -> float:
    """Clamp to 0..1 and round to four decimals."""
    return round(min(1.0, max(0.0, float(value))), 4)
