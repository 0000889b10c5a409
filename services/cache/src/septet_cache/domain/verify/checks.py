"""Checks of an aligned pair of questions, in reporting order.

Each check covers one way in which nearly identical questions differ in meaning. All must pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from septet_cache.domain.reading import Term
from septet_cache.domain.verify.alignment import Alignment
from septet_cache.domain.verify.compounds import unmatched
from septet_cache.domain.verify.direction import opposites
from septet_cache.domain.verify.order import disorder


@dataclass(frozen=True)
class Check:
    """Result of one check; ``detail`` describes the difference."""

    name: str
    passed: bool
    detail: str = ""


def run_checks(alignment: Alignment) -> tuple[Check, ...]:
    """Run all checks."""
    return tuple(_verdict(name, differs(alignment)) for name, differs in _CHECKS)


def _verdict(name: str, difference: str) -> Check:
    return Check(name, not difference, difference)


def _language(a: Alignment) -> str:
    same = a.left.language == a.right.language
    return "" if same else f"asked in {a.left.language}, answered in {a.right.language}"


def _kinds(a: Alignment) -> str:
    left, right = a.left.kind, a.right.kind
    if left != right:
        return f"asks {left}, not {right}"
    units = a.left.calendar, a.right.calendar
    return f"asks for a {units[0]}, not a {units[1]}" if all(units) and units[0] != units[1] else ""


def _aspects(a: Alignment) -> str:
    lone = sorted(a.left.aspects ^ a.right.aspects)
    return f"only one asks for {', '.join(lone)}" if lone else ""


def _names(a: Alignment) -> str:
    left, right = unmatched(a)
    lone = [t for t in (*left, *right) if t.name]
    return f"only one names {_listed(lone)}" if lone else ""


def _content(a: Alignment) -> str:
    """Any exchanged or added word with content changes the question: a student is not a college student."""
    left, right = ([t for t in lone if not (t.light or t.name)] for lone in unmatched(a))
    if left and right:
        return f"one is about {_listed(left)}, the other about {_listed(right)}"
    return f"only one is about {_listed([*left, *right])}" if left or right else ""


def _listed(terms: Sequence[Term]) -> str:
    return ", ".join(f"“{t.surface}”" for t in terms[:4])


def _numbers(a: Alignment) -> str:
    left, right = Counter(q.value for q in a.left.quantities), Counter(q.value for q in a.right.quantities)
    if left != right:
        lone = sorted(((left - right) + (right - left)).elements())
        return f"only one has {', '.join(lone[:4])}"
    if [q.value for q in a.left.quantities] != [q.value for q in a.right.quantities]:
        return "numbers changed places"
    units = Counter((q.value, q.unit) for q in a.left.quantities)
    others = Counter((q.value, q.unit) for q in a.right.quantities)
    unlike = [
        (v, u) for v, u in units - others if u and any(v == w and x and x != u for w, x in others - units)
    ]
    return f"{unlike[0][0]} {unlike[0][1]} has another unit" if unlike else ""


def _negation(a: Alignment) -> str:
    left, right = a.left.negations, a.right.negations
    if left != right:
        return f"{left} negation{'s' * (left != 1)}, not {right}"
    scopes = zip(a.left.negated, a.right.negated, strict=True)
    return "" if all(_same_words(x, y) for x, y in scopes) else "another word is negated"


def _same_words(left: tuple[frozenset[str], ...], right: tuple[frozenset[str], ...]) -> bool:
    return len(left) == len(right) and not any(x.isdisjoint(y) for x, y in zip(left, right, strict=True))


def _direction(a: Alignment) -> str:
    pair = opposites(a)
    return f"“{pair[0]}” is the opposite of “{pair[1]}”" if pair else ""


def _qualifiers(a: Alignment) -> str:
    lone = sorted(a.left.qualifiers ^ a.right.qualifiers)
    return f"only one contains {', '.join(lone[:4])}" if lone else ""


_CHECKS: tuple[tuple[str, Callable[[Alignment], str]], ...] = (
    ("language", _language),
    ("question_type", _kinds),
    ("aspect", _aspects),
    ("entities", _names),
    ("numbers", _numbers),
    ("negation", _negation),
    ("direction", _direction),
    ("qualifiers", _qualifiers),
    ("content", _content),
    ("order", disorder),
)
