"""Sentences of English and Korean text, a cache for short texts, and the text functions of the kit."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from itertools import islice
from operator import itemgetter
from typing import TypeVar, TypeVarTuple

from septet_kit.text import OVERLAP, WINDOW, fold, sentence_spans, windows, words

__all__ = [
    "MAX_CACHED",
    "OVERLAP",
    "WINDOW",
    "Sentence",
    "cached_if_short",
    "code_spans",
    "fold",
    "is_within",
    "split_sentences",
    "windows",
    "words",
]

MAX_CACHED = 4_096
"""Most characters of a text whose parsed form is cached."""

Ts = TypeVarTuple("Ts")
R = TypeVar("R")
_LIST_MARKER = re.compile(r"\d{1,3}[.)](?:\s+|\Z)")
_CODE = re.compile(r"```[^`]*(?:```|\Z)|`[^`\n]+`")


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
