"""The building material of passages: contiguous blocks of a text, each with its heading path."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from septet_retrieval.domain.sentences import Span, split_sentences


class Kind(enum.Enum):
    PROSE = "prose"
    HEADING = "heading"
    LINES = "lines"
    """Code, tables and other text whose lines must not be torn."""


@dataclass(frozen=True)
class Block:
    """Characters ``start`` to ``end`` of the document's text, below the headings of ``path``."""

    start: int
    end: int
    kind: Kind
    path: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return self.end - self.start


def split_block(text: str, block: Block, maximum: int) -> list[Block]:
    """Tear a block that is longer than ``maximum`` where it hurts least.

    Prose is torn between sentences, code and tables between lines; what is still too long, at white
    space; what has none, at the limit.
    """
    if block.size <= maximum:
        return [block]
    pieces = _lines(text, block) if block.kind is Kind.LINES else _sentences(text, block)
    torn = [part for piece in pieces for part in _cut(text, piece, maximum)]
    return [Block(span.start, span.end, block.kind, block.path) for span in torn]


def _sentences(text: str, block: Block) -> list[Span]:
    return [
        Span(block.start + span.start, block.start + span.end)
        for span in split_sentences(text[block.start : block.end])
    ]


def _lines(text: str, block: Block) -> list[Span]:
    spans: list[Span] = []
    start = block.start
    for line in text[block.start : block.end].splitlines(keepends=True):
        if line.strip():
            spans.append(Span(start, start + len(line.rstrip())))
        start += len(line)
    return spans


def _cut(text: str, span: Span, maximum: int) -> list[Span]:
    parts: list[Span] = []
    start = span.start
    while span.end - start > maximum:
        space = text.rfind(" ", start + maximum // 2, start + maximum)
        cut = space if space > 0 else start + maximum
        parts.append(Span(start, cut))
        start = cut + 1 if space > 0 else cut
    if start < span.end:
        parts.append(Span(start, span.end))
    return parts
