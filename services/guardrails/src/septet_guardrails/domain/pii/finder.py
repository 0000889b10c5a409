"""Search for personal data with all recognisers. No model is needed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from septet_guardrails.domain.pii.patterns import RECOGNISERS
from septet_guardrails.domain.pii.recogniser import Span

ENTITIES: tuple[str, ...] = tuple(dict.fromkeys(recogniser.entity for recogniser in RECOGNISERS))


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
        for recogniser in RECOGNISERS
        if (entities is None or recogniser.entity in entities)
        and digits >= recogniser.digits
        and (not recogniser.marks or any(mark in lowered for mark in recogniser.marks))
        for span in recogniser.find(text)
    ]
    kept: list[Span] = []
    for span in sorted((*found, *extra), key=lambda s: (-s.score, s.start - s.end)):
        # Kept spans are ordered and disjoint, so only the two neighbours can overlap.
        at = bisect_left(kept, span.start, key=lambda s: s.start)
        if not any(span.overlaps(other) for other in kept[max(0, at - 1) : at + 1]):
            kept.insert(at, span)
    return kept
