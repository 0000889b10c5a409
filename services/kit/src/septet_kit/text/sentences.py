"""Sentence boundaries of English and Korean text, with character offsets.

A boundary is a terminator, its closing quotes and brackets and the citation markers after it (``[2]``), before white
space. A full stop after an abbreviation, an initial, a list number or a Korean date is none. Korean sentences also end
without a space (``이다.부산은``). ``benchmarks/text`` compares the rules with libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from septet_kit.text.abbreviations import EITHER, NEVER_LAST, NUMBERED, STARTERS

_END = ".!?。！？…"
_CLOSING = r"\"'”’)\]»」』》"
_CITED = r"(?:\s*+\[\d{1,3}(?:,\s?\d{1,3})*+\])*+"
# Every pattern starts with a set of characters, which the search finds fast, and backtracks nowhere. A run of
# terminators matches from its first character only.
_TERMINATED = (
    rf"(?<!\n)(?<![{_END}][{_END}])[{_END}]*+"
    rf"(?:[{_CLOSING}]*+{_CITED}(?:(?=\s|\Z)|(?<=[。！？]))"
    rf"|(?<=[다요죠까네음함됨임][{_END}]){_CITED}(?=[가-힣A-Z0-9“‘(]))"
)
# The last one is a row of a table, as passages show it: ``plan: Team; price: 12 USD``.
_ITEM = r"(?=[-*+•]\s|[#|>]|\d{1,3}[.)]\s|[가나다라마바사]\.\s|```|[^\n:;]{1,80}+:\s[^\n;]{0,200}+;\s)"
_IN_DOCUMENTS = re.compile(rf"[{_END}\n](?:(?<=\n)(?:[^\S\n]*+\n\s*+|[^\S\n]*+{_ITEM})|{_TERMINATED})")
_IN_ANSWERS = re.compile(rf"[{_END}\n](?:(?<=\n)\s*+|{_TERMINATED})")

_PIECE, _MARGIN = 16_384, 1_024
# _TAIL characters before a full stop are examined. Every abbreviation has fewer than _LONG letters.
_TAIL, _LONG = 12, 8
_WORD = re.compile(r"[A-Za-z][A-Za-z.]*\Z")
_INITIALS = re.compile(r"[a-z](?:\.[a-z])*\Z")
_DATE = re.compile(r"(?:19|20)\d\d(?:\.\s?\d{1,2}){1,2}\Z")
_AFTER_DATE = re.compile(r"\s*[가-힣\d~(a-z]")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d\Z")
_MONTH = re.compile(r"\s?\d{1,2}\.")
_LIST_NUMBER = re.compile(r"\s*\d{1,3}\Z")
_LIST_SYLLABLES = frozenset("가나다라마바사")
_NUMBER = re.compile(r"\s*(?:[\d#(]|[IVXLC]{2,}\b|[A-HJ-Z]\b)")
_NEXT_WORD = re.compile(r"\s+[\"'“‘(\[]*([A-Z][a-z]*)(?![\w.])")
_LAST = re.compile(r"(\d|(?<![A-Za-z.])[A-Za-z][A-Za-z.]*)\.\s*\Z")
# After a quotation, a bracket or an ellipsis: ``he said``, ``라고 말했다``.
_GOES_ON = re.compile(r"\s+(?:[a-z]|(?:이?라[고는며]|하[고며])\b)")
_OPEN = frozenset("\"'”’)]»」』》.…")
# The first word of the text after a sentence. A citation there belongs to the sentence. White space before the word is
# required: a boundary without it disappears if the word is replaced.
_FOLLOWED = re.compile(r"\s++(?!\[\d)\S++\s")


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) of a text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def sentence_spans(text: str, *, lines: bool = False) -> Iterator[Span]:
    """Yield the sentences of ``text`` in order, without outer white space.

    Args:
        text: of any length. The time is linear in it.
        lines: whether every line break ends a sentence, as in answers. In documents lines are wrapped: only a blank
            line, or a line that starts a list item, a heading, a quotation, a table row or code, ends a sentence.
    """
    start = 0
    pattern = _IN_ANSWERS if lines else _IN_DOCUMENTS
    for match in pattern.finditer(text) if len(text) <= _PIECE else _matches(pattern, text):
        at, end = match.span()
        if text[at] != "\n" and _continues(text, start, at, end):
            continue
        piece = text[start:end].rstrip()
        if length := len(piece):
            yield Span(start + length - len(piece.lstrip()), start + length)
        start = end
    piece = text[start:].rstrip()
    if length := len(piece):
        yield Span(start + length - len(piece.lstrip()), start + length)


def settled_end(text: str, start: int = 0) -> int:
    """End of the last sentence of an answer that further text cannot change; ``start`` if there is none.

    For a text that is still being written: a boundary depends on the first word after it. White space follows the end.

    Args:
        text: the answer so far.
        start: an end that an earlier call returned, or 0.
    """
    tail = text[start:]
    ends = [span.end for span in sentence_spans(tail, lines=True)]
    return next((start + end for end in reversed(ends) if _FOLLOWED.match(tail, end)), start)


def may_go_on(text: str) -> bool:
    """Whether the full stop at the end of ``text`` may belong to a number or an abbreviation.

    For a text that was cut there: "It costs 12." may be the beginning of "It costs 12.50 USD."
    """
    found = _LAST.search(text[-4 * _TAIL :])
    if found is None:
        return False
    word = found[1]
    is_initial = len(word) == 1 and word.isupper()
    return word.isdigit() or is_initial or word.lower() in NEVER_LAST | NUMBERED


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Search a long text piece by piece: one search holds the interpreter lock, 0.1 s for a megabyte without matches."""
    at = 0
    while at < len(text):
        limit = at + _PIECE
        for match in pattern.finditer(text, at, limit + _MARGIN):
            if match.start() >= limit:
                break
            yield match
            at = match.end()
        at = max(at, limit)


def _continues(text: str, start: int, at: int, end: int) -> bool:
    """Whether the sentence from ``start`` goes on after the terminator at ``at``, whose match ends at ``end``."""
    if end > at + 1 or text[at] == "…":
        is_open = text[at + 1 : at + 2] in _OPEN if end > at + 1 else True
        return is_open and _GOES_ON.match(text, end) is not None
    if text[at] != "." or at == start:
        return False
    before = text[at - 1]
    if not before.isascii():
        return before in _LIST_SYLLABLES and text[start:at].strip() == before
    if before.isalpha():
        return _is_abbreviation(text, max(start, at - _TAIL), at)
    return before.isdigit() and _is_numbering(text, start, at)


def _is_abbreviation(text: str, start: int, at: int) -> bool:
    if at - start >= _LONG and text[at - _LONG : at].isalpha():
        return False
    found = _WORD.search(text, start, at)
    if found is None:
        return False
    word, first = found[0].lower(), found.start()
    # The end of another word, as in 1980s, España, Kim's and 17°E.
    if first > start and "." not in word and (text[first - 1].isalnum() or text[first - 1] in "'’°"):
        return False
    if word in NEVER_LAST:
        return True
    if word in NUMBERED:
        return _NUMBER.match(text, at + 1) is not None
    if word in EITHER or (_INITIALS.match(word) and word != "i"):
        following = _NEXT_WORD.match(text, at + 1)
        return at + 1 < len(text) and (following is None or following[1] not in STARTERS)
    return False


def _is_numbering(text: str, start: int, at: int) -> bool:
    """Whether the number before the full stop is a list number or a part of a Korean date (``2024. 5. 3.``)."""
    if _LIST_NUMBER.match(text, start, at):
        return True
    tail = max(start, at - _TAIL)
    if _DATE.search(text, tail, at):
        return _AFTER_DATE.match(text, at + 1) is not None
    return _YEAR.search(text, tail, at) is not None and _MONTH.match(text, at + 1) is not None
