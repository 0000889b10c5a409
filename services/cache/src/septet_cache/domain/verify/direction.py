"""Opposites: a word in one question and its opposite in the other."""

from __future__ import annotations

from septet_cache.domain.reading import Reading
from septet_cache.domain.reading.inflection import lemmas
from septet_cache.domain.reading.thesaurus import OPPOSITES
from septet_cache.domain.verify.alignment import Alignment

_NEGATIVE_PREFIXES = (
    "un",
    "in",
    "im",
    "il",
    "ir",
    "dis",
    "non",
    "mis",
    "de",
    "anti",
    "비",
    "불",
    "미",
    "무",
    "부",
)


def opposites(alignment: Alignment) -> tuple[str, str] | None:
    """Return an unmatched word of one question and its unmatched opposite in the other; None if there is none."""
    left, right = _words(alignment.left), _words(alignment.right)
    table = OPPOSITES[alignment.left.language]
    for word in sorted(left.keys() - right.keys()):
        for other in sorted(right.keys() - left.keys()):
            if other in table.get(word, ()) or _negated(word, other) or _negated(other, word):
                return left[word], right[other]
    return None


def _words(reading: Reading) -> dict[str, str]:
    """Return the surface of every token by base form, including function words such as *in* and *before*."""
    if reading.language == "ko":
        return {f: t.surface for t in reading.terms for f in t.forms}
    return {f: token for token in reading.tokens for f in lemmas(token)}


def _negated(word: str, other: str) -> bool:
    long_enough = len(word) >= (4 if word.isascii() else 2)
    return long_enough and any(other == prefix + word for prefix in _NEGATIVE_PREFIXES)
