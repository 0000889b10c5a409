"""What is read from a question before two questions are compared; the same shape for every language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "what", "who", "when", "where", "why", "how", "degree", "count", "yes_no", "opinion", "recommend", "open"
]


@dataclass(frozen=True)
class Term:
    """A word that carries content.

    ``forms`` are its possible base forms; two terms are the same word when they share one. ``role`` is
    the relation that governs it where that relation has a direction (``from``, ``to``, ``than``,
    ``object`` …), and ``phrase`` numbers the phrases of a question, so that two words under one preposition
    are told from two prepositions. A ``light`` term says little about the subject (``way``, ``good``).
    """

    surface: str
    forms: frozenset[str]
    role: str = ""
    phrase: int = 0
    name: bool = False
    light: bool = False


@dataclass(frozen=True)
class Quantity:
    """A number, and its unit in a canonical spelling (empty when there is none)."""

    value: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.unit}".strip()


@dataclass(frozen=True)
class Reading:
    """A question as the checks see it. ``aspects`` is what is asked of its subject (difference,
    example, use …); ``symmetric``: it treats its arguments alike (difference, and)."""

    text: str
    language: Literal["en", "ko"]
    kind: Kind
    terms: tuple[Term, ...]
    tokens: tuple[str, ...]
    quantities: tuple[Quantity, ...] = ()
    negations: int = 0
    aspects: frozenset[str] = frozenset()
    qualifiers: frozenset[str] = frozenset()
    symmetric: bool = False

    @property
    def names(self) -> tuple[Term, ...]:
        return tuple(t for t in self.terms if t.name)

    @property
    def heavy(self) -> tuple[Term, ...]:
        return tuple(t for t in self.terms if not t.light)
