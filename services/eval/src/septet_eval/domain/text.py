"""Sentences, content terms and citation markers of English and Korean texts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from septet_kit.text import CJK, sentence_spans
from septet_kit.text.word_forms import korean_stem, lemma

_TOKEN = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
_ASCII_TOKEN = re.compile(r"[a-z0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
_IS_CJK = re.compile(f"[{CJK}]")
_NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")
_MARKER = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_SPACED_MARKER = re.compile(r"\s?" + _MARKER.pattern)
_LEADING_MARKERS = re.compile(rf"^(?:{_MARKER.pattern}\s*)+")
_CACHED_LENGTH = 32

_FUNCTION_WORDS = """
a about above after again all also am an and any are as at be because been before being below between
both but by can could did do does doing down during each few for from further had has have having he her
here hers him his how i if in into is it its itself just me more most my no nor not now of off on once
only or other our out over own same she should so some such than that the their them then there these
they this those through to too under until up very was we were what when where which while who whom why
will with would you your s t d ll m re ve don doesn didn isn aren wasn weren won
"""
_STOP_WORDS = frozenset(_FUNCTION_WORDS.split())
_KO_QUESTION = re.compile(r"^(?:무엇|무슨|누구|누가|언제|어디|어떻게|어떤|어느|왜|얼마|몇|뭐)")


@dataclass(frozen=True)
class Sentence:
    """A sentence without its citation markers, and the passage numbers that it cites."""

    text: str
    cites: tuple[int, ...] = ()


def normalise(text: str) -> str:
    """Unicode NFKC, case-folded, so that full-width and decomposed forms compare equal."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """Case-folded runs of letters and digits. CJK runs are separated from adjacent Latin ones."""
    if text.isascii():
        return _ASCII_TOKEN.findall(text.lower())
    return _TOKEN.findall(normalise(text))


def terms(text: str) -> frozenset[str]:
    """Content terms of a text: base forms of words, and CJK words as character bigrams without particles.

    Bigrams replace a morphological analyser: they match a Korean stem with any ending.
    """
    return frozenset[str]().union(
        *[_known(w) if len(w) <= _CACHED_LENGTH else _terms_of(w) for w in set(words(text))]
    )


def numbers(text: str) -> frozenset[str]:
    """Numbers as written, without thousands separators and citation markers."""
    return frozenset(n.replace(",", "").rstrip(".") for n in _NUMBER.findall(without_citations(text)))


def coverage(wanted: frozenset[str], given: frozenset[str]) -> float:
    """Share of ``wanted`` that is in ``given``, 0 to 1; 0 if ``wanted`` is empty."""
    return len(wanted & given) / len(wanted) if wanted else 0.0


def without_citations(text: str) -> str:
    """The text without citation markers."""
    return (_SPACED_MARKER.sub("", text) if "[" in text else text).strip()


def citations(text: str) -> set[int]:
    """The passage numbers that a text cites."""
    return {int(n) for group in _MARKER.findall(text) for n in group.split(",")}


def sentences(text: str) -> list[Sentence]:
    """Split an answer into sentences. A citation marker that starts a line belongs to the sentence before it."""
    pieces: list[str] = []
    for span in sentence_spans(text, lines=True):
        piece = span.of(text)
        leading = _LEADING_MARKERS.match(piece)
        if pieces and leading:
            pieces[-1] += f" {leading.group().strip()}"
            piece = piece[leading.end() :].strip()
        if piece:
            pieces.append(piece)
    return [s for s in map(_sentence, pieces) if _LETTER.search(s.text) or _NUMBER.search(s.text)]


def _terms_of(word: str) -> frozenset[str]:
    if _IS_CJK.match(word):
        return frozenset() if _KO_QUESTION.match(word) else frozenset(_bigrams(korean_stem(word, full=True)))
    return frozenset() if word in _STOP_WORDS else frozenset((lemma(word),))


_known = lru_cache(maxsize=1 << 15)(_terms_of)


def _sentence(piece: str) -> Sentence:
    cites = [int(n) for group in _MARKER.findall(piece) for n in group.split(",")]
    return Sentence(without_citations(piece), tuple(dict.fromkeys(cites)))


def _bigrams(word: str) -> set[str]:
    return {word[i : i + 2] for i in range(max(1, len(word) - 1))} if word else set()
