"""Selects and shortens passages for a prompt of limited size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from septet_contracts import Passage, Quote
from septet_kit.text import Span, has_hangul, sentence_spans

from septet_generation.domain.tokens import estimate_tokens, slice_estimator

_WORD = re.compile(r"[^\W_]+")
_BLANKS = re.compile(r"(?<![ \t])[ \t]+(?=\n)|(?<=\S)[ \t]{2,}|\n(?=\n\n)")

FIRST_SHARE = 0.6
MIN_TOKENS = 24


@dataclass(frozen=True)
class Excerpt:
    """A passage, or the part around its most relevant sentence; ``number`` is the passage's 1-based rank."""

    number: int
    heading: str
    text: str


def excerpts(
    passages: Sequence[Passage], question: str, best: Quote | None, budget: int, limit: int = 50
) -> tuple[Excerpt, ...]:
    """Shorten at most ``limit`` passages to ``budget`` tokens in total.

    The passage of the best quote comes first and gets at most 60 % of the budget if there are others. The
    others share the rest in rank order, so the lowest ranked are dropped first. Passages are cut between
    sentences; a sentence that is too long is cut between words. Each excerpt keeps its passage's number,
    because citations refer to it.
    """
    order = sorted(range(len(passages)), key=lambda i: (not _holds(passages[i], best), i))
    chosen: list[Excerpt] = []
    left = budget
    for turn, index in enumerate(order[:limit]):
        passage = passages[index]
        heading = passage.location or passage.title
        room = left - estimate_tokens(f"[{index + 1}] {heading}:\n")
        if turn == 0 and min(len(passages), limit) > 1:
            room = min(room, int(budget * FIRST_SHARE))
        if room < MIN_TOKENS and chosen:
            break
        quote = best if _holds(passage, best) else None
        text = trim(passage.text, _anchor(passage.text, question, quote), max(room, MIN_TOKENS))
        if text:
            chosen.append(Excerpt(index + 1, heading, text))
            left -= estimate_tokens(f"[{index + 1}] {heading}:\n{text}\n")
    return tuple(sorted(chosen, key=lambda e: e.number))


def trim(text: str, anchor: tuple[int, int], room: int) -> str:
    """Return the text around ``anchor`` (character offsets) that fits into ``room`` tokens, in whole sentences."""
    spans = _sentences(text)
    if not spans:
        return ""
    inside = [i for i, (start, end) in enumerate(spans) if start < anchor[1] and end > anchor[0]]
    first, last = (inside[0], inside[-1]) if inside else (0, 0)
    tokens = slice_estimator(text)
    if tokens(spans[first][0], spans[last][1]) > room:
        return _cut_words(text[max(spans[first][0], anchor[0]) : spans[last][1]], room)
    grown = True
    while grown:
        grown = False
        for near, far in ((first, last + 1), (first - 1, last)):
            if near >= 0 and far < len(spans) and tokens(spans[near][0], spans[far][1]) <= room:
                first, last, grown = near, far, True
    return _BLANKS.sub("", text[spans[first][0] : spans[last][1]])


@lru_cache(maxsize=4096)
def terms(text: str) -> frozenset[str]:
    """Return case-folded words of three or more characters. Korean words become bigrams: particles vary."""
    found: set[str] = set()
    for word in _WORD.findall(text.casefold()):
        if has_hangul(word):
            found.update(word[i : i + 2] for i in range(len(word) - 1))
        elif len(word) > 2:
            found.add(word)
    return frozenset(found)


@lru_cache(maxsize=1024)
def _sentences(text: str) -> tuple[Span, ...]:
    """Return the sentences of a passage. The cache serves popular passages, which many questions retrieve."""
    return tuple(sentence_spans(text))


def _holds(passage: Passage, best: Quote | None) -> bool:
    return best is not None and passage.passage_id == best.passage_id


def _anchor(text: str, question: str, quote: Quote | None) -> tuple[int, int]:
    """Return the span of the quote, or of the first sentence that shares most terms with the question."""
    if quote is not None and text[quote.start : quote.end] == quote.text:
        return quote.start, quote.end
    if quote is not None and (at := text.find(quote.text)) >= 0:
        return at, at + len(quote.text)
    wanted = terms(question)
    spans = _sentences(text) or (Span(0, 0),)
    return max(spans, key=lambda s: len(wanted & terms(s.of(text))))


def _cut_words(text: str, room: int) -> str:
    tokens, end = slice_estimator(text), 0
    for word in re.finditer(r"\S+", text):
        if tokens(0, word.end()) > room:
            break
        end = word.end()
    return text[:end].strip()
