"""Blocks: contiguous parts of a text, each with its heading path."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from septet_kit.text import sentence_spans


class Kind(enum.Enum):
    PROSE = "prose"
    HEADING = "heading"
    LINES = "lines"
    """Code, tables and other text that is split only between lines."""


@dataclass(frozen=True)
class Block:
    """Characters ``start`` to ``end`` of the document's text, under the headings of ``path``.

    ``shown`` is the text in their place, for rows of a table.
    """

    start: int
    end: int
    kind: Kind
    path: tuple[str, ...] = ()
    shown: str = ""

    @property
    def size(self) -> int:
        return len(self.shown) or self.end - self.start


Ends = tuple[int, int]
"""Start and end of a piece. A plain tuple, because a document may have hundreds of thousands."""


def split_block(text: str, block: Block, maximum: int) -> Iterator[Block]:
    """Split a block that is longer than ``maximum``.

    Prose is split between sentences, code and tables between lines. Longer pieces are split at spaces, or at the
    limit if there is none.
    """
    if block.size <= maximum or block.shown:
        yield block
        return
    pieces = _lines(text, block) if block.kind is Kind.LINES else _sentences(text, block)
    for piece in pieces:
        for start, end in _cut(text, piece, maximum):
            yield Block(start, end, block.kind, block.path)


def _sentences(text: str, block: Block) -> Iterator[Ends]:
    for start, end in sentence_spans(text[block.start : block.end]):
        yield block.start + start, block.start + end


def _lines(text: str, block: Block) -> Iterator[Ends]:
    start = block.start
    for line in text[block.start : block.end].splitlines(keepends=True):
        if line.strip():
            yield start, start + len(line.rstrip())
        start += len(line)


def _cut(text: str, piece: Ends, maximum: int) -> Iterator[Ends]:
    start, end = piece
    while end - start > maximum:
        space = text.rfind(" ", start + maximum // 2, start + maximum)
        cut = space if space > 0 else start + maximum
        yield start, cut
        start = cut + 1 if space > 0 else cut
    if start < end:
        yield start, end
