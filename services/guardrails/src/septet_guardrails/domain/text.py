"""Sentences and words of English and Korean text, and its folded form."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from itertools import islice
from operator import itemgetter
from typing import TypeVar, TypeVarTuple

from septet_kit.text import sentence_spans

WINDOW = 8_192
OVERLAP = 1_024
"""Greater than the longest match of any pattern, so that one window contains every match completely."""

MAX_CACHED = 4_096
"""Most characters of a text whose parsed form is cached."""

Ts = TypeVarTuple("Ts")
R = TypeVar("R")
_LIST_MARKER = re.compile(r"\d{1,3}[.)](?:\s+|\Z)")
_CODE = re.compile(r"```[^`]*(?:```|\Z)|`[^`\n]+`")
_WORD = re.compile(r"[가-힣]+|[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*", re.UNICODE)
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]|[\U000e0000-\U000e007f]")


def cached_if_short(maxsize: int) -> Callable[[Callable[[*Ts], R]], Callable[[*Ts], R]]:
    """Cache the results of a function of texts (LRU), except for long texts, whose results are large."""

    def decorate(function: Callable[[*Ts], R]) -> Callable[[*Ts], R]:
        cached = lru_cache(maxsize)(function)

        @wraps(function)
        def call(*args: *Ts) -> R:
            size = sum(len(arg) for arg in args if isinstance(arg, str))
            return cached(*args) if size <= MAX_CACHED else function(*args)

        return call

    return decorate


@dataclass(frozen=True)
class Sentence:
    """A sentence with its character offsets in the text."""

    text: str
    start: int
    end: int


def split_sentences(text: str, limit: int | None = None) -> list[Sentence]:
    """Return at most ``limit`` sentences of an answer, without list numbers, in which every line break ends one.

    Pieces without letters and digits are not sentences.
    """
    return list(islice(_sentences(text), limit))


def _sentences(text: str) -> Iterator[Sentence]:
    for start, end in sentence_spans(text, lines=True):
        if marker := _LIST_MARKER.match(text, start, end):
            start = marker.end()
        if any(map(str.isalnum, body := text[start:end])):
            yield Sentence(body, start, end)


def code_spans(text: str) -> list[tuple[int, int]]:
    """Return the offsets of fenced and inline code, whose brackets and repeated lines have a meaning of their own."""
    return [match.span() for match in _CODE.finditer(text)]


def is_within(position: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether one of the ``spans``, which are in order, contains the position."""
    before = bisect_right(spans, position, key=itemgetter(0))
    return before > 0 and position < spans[before - 1][1]


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
