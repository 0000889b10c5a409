"""Sentence boundaries, English and Korean, with character offsets.

A rule-based splitter in the manner of Kiss & Strunk's Punkt (2006) with its abbreviation list fixed: a
boundary is terminal punctuation followed by white space, except after abbreviations, initials and list numbers.
A Korean sentence also ends at punctuation without a space after it (``다.``, ``요?``). A line break before a blank
line, a list marker or a heading ends a sentence, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from septet_retrieval.domain.words import ABBREVIATIONS

_BOUNDARY = re.compile(
    r"(?P<end>[.!?。！？…]+[\"'”’)\]]*)(?=\s|$)"
    r"|(?P<korean>(?<=[가-힣])[.!?]+)(?=[가-힣A-Z0-9\"'“‘(])"
    r"|(?P<cjk>[。！？])"
    r"|(?P<line>\n\s*\n|\n(?=\s*(?:[-*+•]\s|\d+[.)]\s|#|>>>|\||```)))"
)
_PIECE, _MARGIN = 16_384, 256
_LAST_WORD = re.compile(r"(?:^|[\s(\[\"'“‘])([^\s(\[\"'“‘]*)$")


@dataclass(frozen=True)
class Span:
    """Characters ``start`` to ``end`` (exclusive) of a text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def split_sentences(text: str) -> list[Span]:
    """Return the sentences of ``text`` in order, without surrounding white space."""
    return list(iterate_sentences(text))


def iterate_sentences(text: str) -> Iterator[Span]:
    """Yield the sentences one at a time: a long text can have hundreds of thousands."""
    start = 0
    for match in _boundaries(text):
        if match.lastgroup == "end" and not _ends(text, start, match):
            continue
        yield from _stripped(text, start, match.end())
        start = match.end()
    yield from _stripped(text, start, len(text))


def _boundaries(text: str) -> Iterator[re.Match[str]]:
    """Yield matches of the boundary pattern, piece by piece: one search over a megabyte blocks all threads."""
    at = 0
    while at < len(text):
        limit = at + _PIECE
        for match in _BOUNDARY.finditer(text, at, limit + _MARGIN):
            if match.start() >= limit:
                break
            yield match
            at = match.end()
        at = max(at, limit)


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    raw = text[start:end]
    left, right = len(raw) - len(raw.lstrip()), len(raw.rstrip())
    if left < right:
        yield Span(start + left, start + right)


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether terminal punctuation ends a sentence, rather than an abbreviation or a list number."""
    if match.group() != ".":
        return True
    last = _LAST_WORD.search(text, start, match.start())
    word = last.group(1).lower() if last else ""
    if word in ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i"):
        return False
    return not (word.isdigit() and not text[start : match.start()].strip(" \t\n0123456789"))
