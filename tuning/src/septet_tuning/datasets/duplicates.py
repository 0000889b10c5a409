"""Exact and near duplicates of texts, in any script."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import defaultdict

NEAR = 0.8
"""Jaccard similarity of two sets of shingles from which on texts are near duplicates."""

SHINGLE = 4
_OTHER = re.compile(r"[\W_]+")


def comparable(text: str) -> str:
    """Letters and digits in one case and compatibility form, so that spacing and punctuation do not count."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _OTHER.sub("", folded) or folded


def shingles(text: str) -> frozenset[str]:
    """Runs of ``SHINGLE`` characters of the comparable form. Korean needs no word boundaries."""
    form = comparable(text)
    return frozenset(form[at : at + SHINGLE] for at in range(max(1, len(form) - SHINGLE + 1)))


class TextIndex:
    """Finds a text that is equal to a given one or near it.

    Two sets with a similarity of ``near`` share an element of their prefixes, in any fixed order of all elements (Chaudhuri
    et al., "A primitive operator for similarity joins", ICDE 2006). So the search is exact and compares few pairs.
    """

    def __init__(self, near: float = NEAR) -> None:
        self._near = near
        self._sets: list[frozenset[str]] = []
        self._by_prefix: dict[str, list[int]] = defaultdict(list)

    def add(self, text: str) -> int:
        """Add a text; returns its number, from 0."""
        found = shingles(text)
        number = len(self._sets)
        self._sets.append(found)
        for each in self._prefix(found):
            self._by_prefix[each].append(number)
        return number

    def find(self, text: str) -> int | None:
        """Number of the first text that is equal or near; None if there is none."""
        found = shingles(text)
        candidates = {number for each in self._prefix(found) for number in self._by_prefix.get(each, ())}
        for number in sorted(candidates):
            other = self._sets[number]
            if len(found & other) >= self._near * len(found | other):
                return number
        return None

    def _prefix(self, found: frozenset[str]) -> list[str]:
        length = len(found) - math.ceil(self._near * len(found)) + 1
        return sorted(found, key=_order)[:length]


def _order(shingle: str) -> bytes:
    # An order by hash spreads common shingles evenly; one by alphabet would put them into many prefixes.
    return hashlib.blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=8).digest()
