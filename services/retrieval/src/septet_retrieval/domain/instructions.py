"""Instructions to the assistant inside passages: found at ingest, hidden in search results.

An index keeps the original text. A search result has a mark of equal length in place of an instruction, so that
offsets into the document stay right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from septet_contracts import Verdict
from septet_kit.injection.embedded import find_instructions, without
from septet_kit.text import Span

from septet_retrieval.domain.passages import IndexedPassage, Instruction

RAIL = "retrieval_injection"
_NAMED = 3
_LONGEST_NAME = 120


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


def verdict(passages: Sequence[IndexedPassage], *, mask: bool) -> Verdict | None:
    """Return the verdict on passages that contain instructions, with the documents that do; None if there are none.

    Passages from before this rail have no recorded instructions, so there is no verdict ``pass``.
    """
    counts: dict[str, int] = {}
    for passage in passages:
        if passage.instructions:
            counts[passage.document_id] = counts.get(passage.document_id, 0) + len(passage.instructions)
    if not counts:
        return None
    named = [f"{name[:_LONGEST_NAME]} ({count})" for name, count in list(counts.items())[:_NAMED]]
    more = f" and {len(counts) - _NAMED} more" if len(counts) > _NAMED else ""
    reason = f"instructions to the assistant in {', '.join(named)}{more}"
    # The contract's stages are input and output; passages are a part of the model's input.
    return Verdict(rail=RAIL, stage="input", decision="mask" if mask else "flag", score=1.0, reason=reason)
