"""Folded form of a text, its words, and windows over it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

WINDOW = 8_192
OVERLAP = 1_024
"""Greater than the longest match of any pattern, so that one window contains every match completely."""

_WORD = re.compile(r"[가-힣]+|[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*", re.UNICODE)
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]|[\U000e0000-\U000e007f]")


def windows(length: int, size: int = WINDOW, overlap: int = OVERLAP) -> Iterator[tuple[int, int]]:
    """Yield the offsets of overlapping windows, at least one, that cover a text of ``length`` characters.

    A regular expression holds the interpreter lock while it searches. Windows keep each search short.
    """
    start = 0
    while start + size < length:
        yield start, start + size
        start += size - overlap
    yield start, length


def words(text: str) -> list[str]:
    """Return lower-case words and numbers. A word may contain an apostrophe; a run of Hangul is a word."""
    return [match.group().lower() for match in _WORD.finditer(text)]


def fold(text: str) -> str:
    """Normalise to NFKC and lower case, and remove invisible and bidirectional controls.

    Attackers use full-width letters, zero-width joiners and tag characters to hide words from filters.
    """
    if len(text) > WINDOW:
        return "".join(fold(text[start:end]) for start, end in windows(len(text), WINDOW, 0))
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).lower()
