"""Instructions to the assistant inside passages: found at ingest, hidden in search results.

An index keeps the original text. A search result has a mark of equal length in place of an instruction, so that
offsets into the document stay right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from septet_kit.injection.embedded import find_instructions, without
from septet_kit.text import Span

from septet_retrieval.domain.passages import IndexedPassage, Instruction


def read(passages: Iterable[IndexedPassage]) -> list[IndexedPassage]:
    """Return the passages with the instructions that their texts and headings contain."""
    return [replace(passage, instructions=_found(passage)) for passage in passages]


def _found(passage: IndexedPassage) -> tuple[Instruction, ...]:
    spans = {
        "title": find_instructions(passage.title),
        "location": find_instructions(passage.location),
        "text": find_instructions(passage.text, passage.heading),
    }
    return tuple(Instruction(name, *span) for name, found in spans.items() for span in found)


def masked(passage: IndexedPassage) -> IndexedPassage:
    """Return the passage with marks in place of its instructions."""
    if not passage.instructions:
        return passage
    return replace(
        passage,
        text=_masked(passage, "text"),
        title=_masked(passage, "title"),
        location=_masked(passage, "location"),
    )


def _masked(passage: IndexedPassage, name: str) -> str:
    spans = [Span(start, end) for field, start, end in passage.instructions if field == name]
    text: str = getattr(passage, name)
    return without(text, spans)


def count(passages: Iterable[IndexedPassage]) -> dict[str, int]:
    """Return the number of instructions by document, for the documents that contain some."""
    counts: Counter[str] = Counter()
    for passage in passages:
        if passage.instructions:
            counts[passage.document_id] += len(passage.instructions)
    return dict(counts)
