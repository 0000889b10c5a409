"""Sentences, words and scripts of English and Korean text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

WINDOW = 8_192
OVERLAP = 1_024
"""Greater than the longest match of any pattern, so that one window contains every match completely."""

_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|vs|etc|e\.g|i\.e|cf|al|Fig|No|Vol|pp|approx|Inc|Ltd|Co|Corp"
    r"|U\.S|U\.K|a\.m|p\.m)|\b[A-Z])\.$"
)
# A terminator, closing quotes or brackets, citations after it, then white space or the end.
_BREAK = re.compile(r"[.!?。！？…]+[\"'”’)\]»]*(?:\s*\[\d+\])*(?=\s|$)|\n+")
_HANGUL = re.compile(r"[가-힣ᄀ-ᇿㄱ-ㆎ]")
_WORD = re.compile(r"[가-힣]+|[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*", re.UNICODE)
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]|[\U000e0000-\U000e007f]")


@dataclass(frozen=True)
class Sentence:
    """A sentence with its character offsets in the text."""

    text: str
    start: int
    end: int


def split_sentences(text: str, limit: int | None = None) -> list[Sentence]:
    """Split text into sentences at terminators and line breaks; return at most ``limit`` of them.

    Abbreviations and initials do not end a sentence. Citations such as ``[2]`` after the full stop belong to the
    sentence before them.
    """
    found: list[Sentence] = []
    start = 0
    for match in _BREAK.finditer(text):
        is_newline = match.group().startswith("\n")
        if not is_newline and _ABBREVIATION.search(text[start : match.end()]):
            continue
        _append(found, text, start, match.start() if is_newline else match.end())
        start = match.end()
        if limit is not None and len(found) >= limit:
            return found
    _append(found, text, start, len(text))
    return found if limit is None else found[:limit]


def _append(found: list[Sentence], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    body = piece.strip()
    # A list marker ("2.") or a single bracket is not a sentence.
    if not any(character.isalnum() for character in body) or re.fullmatch(r"\d{1,3}[.)]", body):
        return
    offset = start + len(piece) - len(piece.lstrip())
    found.append(Sentence(body, offset, offset + len(body)))


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


def hangul_share(text: str) -> float:
    """Return the share of letters that are Hangul: 0 to 1, and 0 for text without letters."""
    letters = sum(character.isalpha() for character in text)
    return len(_HANGUL.findall(text)) / letters if letters else 0.0


def is_korean(text: str) -> bool:
    """Whether at least a fifth of the letters are Hangul. Korean text often contains English terms."""
    return hangul_share(text) >= 0.2


def fold(text: str) -> str:
    """Normalise to NFKC and lower case, and remove invisible and bidirectional controls.

    Attackers use full-width letters, zero-width joiners and tag characters to hide words from filters.
    """
    if len(text) > WINDOW:
        return "".join(fold(text[start:end]) for start, end in windows(len(text), WINDOW, 0))
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).lower()
