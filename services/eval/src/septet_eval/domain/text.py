"""Sentences, content terms and citation markers of English and Korean texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_HANGUL = "\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f"
_CJK = _HANGUL + "\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_ASCII_TOKEN = re.compile(r"[a-z0-9]+")
_HANGUL_CHAR = re.compile(f"[{_HANGUL}]")
_LETTER = re.compile(r"[^\W\d_]")
_IS_CJK = re.compile(f"[{_CJK}]")
_NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")
_MARKER = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_SPACED_MARKER = re.compile(r"\s?" + _MARKER.pattern)
_LEADING_MARKERS = re.compile(rf"^(?:{_MARKER.pattern}\s*)+")
# Both patterns start with white space, so that the search skips all other characters at once.
_BREAK = re.compile(r"\s(?:(?<=[.!?。！？]\s)\s*|(?<=\n)\n*)")
# A wrapped line does not end a sentence. A list item, heading, quotation or table row starts a new one.
_PASSAGE_BREAK = re.compile(
    r"\s(?:(?<=[.!?。！？]\s)\s*|(?<=\n)(?:\s*\n\s*|\s*(?=[-*+#|>•]|\d{1,3}[.)]\s|[^\n:;]{1,80}:\s[^\n;]{0,200};\s)))"
)
_CACHED_LENGTH = 32
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|al|Dr|Mr|Mrs|Ms|Prof|No|Fig|St|Jr|Sr)\.$")

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
_KO_ENDING = re.compile(
    r"(?:이었습니까|였습니까|습니까|입니까|합니까|됩니까|인가요|하나요|되나요|나요|가요|인가|하는가|되는가|는가"
    r"|이었습니다|였습니다|했습니다|됐습니다|습니다|입니다|합니다|됩니다|이었다|였다|했다|됐다|한다|된다|이다)$"
)
_KO_PARTICLE = re.compile(
    r"(?:에서는|으로는|에게서|에서|으로|에게|까지|부터|처럼|보다|은|는|이|가|을|를|의|에|로|와|과|도|만)$"
)


@dataclass(frozen=True)
class Sentence:
    """A sentence without its citation markers, and the passage numbers that it cites."""

    text: str
    cites: tuple[int, ...] = ()


def hangul_share(text: str) -> float:
    """Share of a text's letters that are Hangul, 0 to 1; 0 for text without letters."""
    letters = len(_LETTER.findall(text))
    return len(_HANGUL_CHAR.findall(text)) / letters if letters else 0.0


def is_korean(text: str) -> bool:
    """Whether a tenth of a text's letters are Hangul. Technical Korean contains many Latin names."""
    return hangul_share(text) >= 0.1


def normalise(text: str) -> str:
    """Unicode NFKC, case-folded, so that full-width and decomposed forms compare equal."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """Case-folded runs of letters and digits. CJK runs are separated from adjacent Latin ones."""
    if text.isascii():
        return _ASCII_TOKEN.findall(text.lower())
    return _TOKEN.findall(normalise(text))


def terms(text: str) -> frozenset[str]:
    """Content terms of a text: words without plural endings, and CJK words as character bigrams.

    Bigrams replace a morphological analyser: they match a Korean stem with any particle or ending.
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
    """Split text into sentences. A citation marker after a full stop belongs to the sentence before it."""

    pieces: list[str] = []
    for raw in _BREAK.split(text):
        piece = raw.strip()
        if not piece:
            continue
        if pieces and _ABBREVIATION.search(pieces[-1][-8:]):
            pieces[-1] += f" {piece}"
            continue
        leading = _LEADING_MARKERS.match(piece)
        if pieces and leading:
            pieces[-1] += f" {leading.group().strip()}"
            piece = piece[leading.end() :].strip()
        if piece:
            pieces.append(piece)
    return [s for s in map(_sentence, pieces) if _LETTER.search(s.text) or _NUMBER.search(s.text)]


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of a document's text, without the white space around it."""
    start = 0
    for gap in (*_PASSAGE_BREAK.finditer(text), None):
        end = gap.start() if gap is not None else len(text)
        if gap is not None and _ABBREVIATION.search(text[max(start, end - 8) : end]):
            continue
        piece = text[start:end]
        if piece.strip():
            yield start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
        start = gap.end() if gap is not None else end


def _terms_of(word: str) -> frozenset[str]:
    if _IS_CJK.match(word):
        return frozenset(_bigrams(_korean_stem(word)))
    return frozenset() if word in _STOP_WORDS else frozenset((_singular(word),))


_known = lru_cache(maxsize=1 << 15)(_terms_of)


def _sentence(piece: str) -> Sentence:
    cites = [int(n) for group in _MARKER.findall(piece) for n in group.split(",")]
    return Sentence(without_citations(piece), tuple(dict.fromkeys(cites)))


def _korean_stem(word: str) -> str:
    if _KO_QUESTION.match(word):
        return ""
    stem = _KO_ENDING.sub("", word)
    if stem == word and len(word) > 2:
        stem = _KO_PARTICLE.sub("", word)
    return stem


def _bigrams(word: str) -> set[str]:
    return {word[i : i + 2] for i in range(max(1, len(word) - 1))} if word else set()


def _singular(word: str) -> str:
    """S-stemmer (Harman 1991, "How effective is suffixing?"): plural endings only."""
    if word.endswith("ies") and not word.endswith(("eies", "aies")) and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")) and len(word) > 3:
        return word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")) and len(word) > 3:
        return word[:-1]
    return word
