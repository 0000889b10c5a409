"""Words that may be exchanged: the parts of a coordination ("X and Y") and of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from septet_cache.domain.reading.model import Term
from septet_cache.domain.reading.word_table import words

_CONJUNCTIONS = words("and or vs vs. versus nor")
_COMPARING = words(
    "difference differences differ between compare comparison vs versus similarity similarities common"
)
#: Words that may stand between a conjunction and the noun that it joins.
_DETERMINERS = words("a an the my your his her its our their some any")
_DIFFER = words("differ differs differed different")
_FROM = words("from than to")

Exchangeable = frozenset[tuple[int, int]]


def exchangeable(tokens: Sequence[str], terms: Sequence[Term], places: Sequence[int]) -> Exchangeable:
    """Return the pairs of terms (by index, in order) that may change places without another meaning.

    ``tokens`` are in lower case; ``places`` are the positions of the terms among them. The neighbours of a conjunction
    may be exchanged; in a comparison, all words on its two sides within the phrase ("between a linked list and an
    array list"), and the two sides of "differ from".
    """
    compares = not _COMPARING.isdisjoint(tokens)
    found: set[tuple[int, int]] = set()
    for position, token in enumerate(tokens):
        before = [n for n, place in enumerate(places) if place < position]
        after = [n for n, place in enumerate(places) if place > position]
        if not before or not after:
            continue
        if token in _CONJUNCTIONS and not _joins(tokens, position, places[before[-1]], places[after[0]]):
            continue
        if token in _CONJUNCTIONS and not compares:
            found.add((before[-1], after[0]))
        elif token in _CONJUNCTIONS:
            left, right = _phrases(terms, before, after)
            heads = [n for n, place in enumerate(places) if tokens[place] in _COMPARING]
            found |= _across(left, right) | _across(heads, [*left, *right])
        elif token in _FROM and len(before) > 1 and tokens[places[before[-1]]] in _DIFFER:
            left, right = _phrases(terms, before[:-1], after)
            found |= _across(left, right) | _across([before[-1]], [*left, *right])
    return frozenset(found)


def _joins(tokens: Sequence[str], position: int, left: int, right: int) -> bool:
    """Whether the words beside a conjunction are its neighbours: only determiners stand between."""
    return left == position - 1 and _DETERMINERS.issuperset(tokens[position + 1 : right])


def _phrases(terms: Sequence[Term], before: list[int], after: list[int]) -> tuple[list[int], list[int]]:
    """Return the terms of the phrases that end before and start after a position."""
    left, right = terms[before[-1]].phrase, terms[after[0]].phrase
    return [n for n in before if terms[n].phrase == left], [n for n in after if terms[n].phrase == right]


def _across(left: list[int], right: list[int]) -> set[tuple[int, int]]:
    return {(min(x, y), max(x, y)) for x in left for y in right}
