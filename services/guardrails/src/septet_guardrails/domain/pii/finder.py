"""Search for personal data with all recognisers. No model is needed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from septet_guardrails.domain.pii.addresses import KOREAN_ADDRESSES, OTHER_ADDRESSES
from septet_guardrails.domain.pii.english_names import ENGLISH_NAMES
from septet_guardrails.domain.pii.korean_names import KOREAN_NAMES
from septet_guardrails.domain.pii.patterns import NUMBERS
from septet_guardrails.domain.pii.recogniser import Recogniser, Span, continuations

_WITHOUT_HANGUL: tuple[Recogniser, ...] = (*NUMBERS, *ENGLISH_NAMES, *OTHER_ADDRESSES)
WITH_HANGUL: tuple[Recogniser, ...] = (*KOREAN_NAMES, *KOREAN_ADDRESSES)
"""Recognisers of which every match contains Hangul."""

RECOGNISERS: tuple[Recogniser, ...] = (*_WITHOUT_HANGUL, *WITH_HANGUL)
ENTITIES: tuple[str, ...] = tuple(dict.fromkeys(recogniser.entity for recogniser in RECOGNISERS))


def open_end(text: str, entities: frozenset[str] | None = None) -> int:
    """Offset from which on ``text`` may hold personal data that only the text after it would show; else its length.

    A context word may follow a number, and an address may go on after a full stop.

    Args:
        text: up to the end of a sentence.
        entities: names of the entities to look for; None for all.
    """
    digits = sum(map(text.count, "0123456789"))
    found: list[int] = []
    longer = continuations(text)
    for recogniser in _WITHOUT_HANGUL if text.isascii() else RECOGNISERS:
        if entities is not None and recogniser.entity not in entities:
            continue
        if digits >= recogniser.digits:
            found.extend(recogniser.may_need_context(text))
        found.extend(start for end in longer if (start := recogniser.may_go_on(end)) < len(text))
    return min(found, default=len(text))


def find_pii(text: str, entities: frozenset[str] | None = None, extra: Iterable[Span] = ()) -> list[Span]:
    """Find personal data: spans in order of appearance, without overlaps.

    Args:
        text: the text to search.
        entities: names of the entities to look for; None for all.
        extra: spans from another finder, such as a named-entity model. The span with the higher score wins.
    """
    lowered, digits = text.lower(), sum(map(text.count, "0123456789"))
    found = [
        span
        for recogniser in (_WITHOUT_HANGUL if text.isascii() else RECOGNISERS)
        if (entities is None or recogniser.entity in entities) and recogniser.can_match(lowered, digits)
        for span in recogniser.find(text)
    ]
    kept: list[Span] = []
    for span in sorted((*found, *extra), key=lambda s: (-s.score, s.start - s.end)):
        # Kept spans are ordered and disjoint, so only the two neighbours can overlap.
        at = bisect_left(kept, span.start, key=lambda s: s.start)
        if not any(span.overlaps(other) for other in kept[max(0, at - 1) : at + 1]):
            kept.insert(at, span)
    return kept
