"""Data model of a question that was read, for all languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "what",
    "who",
    "when",
    "where",
    "why",
    "how",
    "degree",
    "count",
    "duration",
    "price",
    "age",
    "yes_no",
    "opinion",
    "recommend",
    "open",
]


@dataclass(frozen=True)
class Term:
    """A content word.

    Attributes:
        surface: the word in the question.
        forms: its possible base forms; terms with a common form are the same word.
        role: its relation if that has a direction (``from``, ``to``, ``than``, ``object`` …).
        phrase: number of its phrase; words under one preposition are in one phrase.
        name: whether it is a proper name or an identifier.
        light: whether it says little about the subject (``way``, ``good``).
    """

    surface: str
    forms: frozenset[str]
    role: str = ""
    phrase: int = 0
    name: bool = False
    light: bool = False


@dataclass(frozen=True)
class Quantity:
    """A number with its unit in a canonical spelling; the unit is empty if there is none."""

    value: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.unit}".strip()


@dataclass(frozen=True)
class Reading:
    """A question that was read.

    Attributes:
        kind: the question type.
        negated: base forms of the words after each negation; empty in Korean, where it follows the verb.
        aspects: what the question asks about its subject (difference, example, use …).
        qualifiers: words that limit the question (only, today, modal verbs …).
        calendar: the unit in which a question asks for a time (time, date, weekday …); empty if it names none.
        exchangeable: pairs of terms, by index, that may change places ("X and Y").
    """

    text: str
    language: Literal["en", "ko"]
    kind: Kind
    terms: tuple[Term, ...]
    tokens: tuple[str, ...]
    quantities: tuple[Quantity, ...] = ()
    negations: int = 0
    negated: tuple[tuple[frozenset[str], ...], ...] = ()
    aspects: frozenset[str] = frozenset()
    qualifiers: frozenset[str] = frozenset()
    calendar: str = ""
    exchangeable: frozenset[tuple[int, int]] = frozenset()

    @property
    def names(self) -> tuple[Term, ...]:
        return tuple(t for t in self.terms if t.name)

    @property
    def heavy(self) -> tuple[Term, ...]:
        return tuple(t for t in self.terms if not t.light)
