"""Compounds: a word in one question that the other writes as several words."""

from __future__ import annotations

from itertools import pairwise

from septet_cache.domain.reading import Term
from septet_cache.domain.verify.alignment import Alignment


def unmatched(alignment: Alignment) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """Return the terms of each question without a counterpart in the other, neither as a word nor in a compound."""
    left, right = alignment.only_left, alignment.only_right
    return _outside(left, right), _outside(right, left)


def _outside(terms: tuple[Term, ...], others: tuple[Term, ...]) -> tuple[Term, ...]:
    """Remove the terms that the unaligned words of the other question spell, written together or apart."""
    if not others:
        return terms
    joined = "".join(o.surface for o in others)
    pairs = {a.surface + b.surface for a, b in pairwise(others)}
    found: list[Term] = []
    for n, term in enumerate(terms):
        if term.surface.isascii():
            together = term.surface in pairs
            neighbours = [term.surface + t.surface for t in terms[n + 1 : n + 2]]
            neighbours += [t.surface + term.surface for t in terms[max(0, n - 1) : n]]
            apart = any(o.surface in neighbours for o in others)
        else:
            together = any(len(f) > 1 and not f.isascii() and f in joined for f in term.forms)
            apart = False
        if not (together or apart):
            found.append(term)
    return tuple(found)
