"""Rows of Markdown tables as self-contained text, such as "plan: Team; price per month: 12 USD"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from septet_retrieval.domain.chunking.blocks import Block, Kind

_SEPARATOR = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_CELLS = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"(`+[^`]*`+)")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
# Paired marks around words only: `max_tokens` and `2*3` are content.
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3})(?=[^\s*_])([^*_]*[^\s*_])\1(?![\w*])")
# A longer line is no row: it is split like other lines.
_LONGEST_ROW = 1_000


def with_rows(text: str, blocks: Iterable[Block], target: int) -> Iterator[Block]:
    """Yield the blocks, with tables as blocks of rows whose shown text has about ``target`` characters.

    The offsets of a block of rows are those of its lines in the source; the first one also has the header.
    """
    for block in blocks:
        if block.kind is Kind.LINES and text.startswith("|", block.start):
            yield from _table(text, block, target)
        else:
            yield block


def row_text(columns: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row as text. Empty cells are left out; a cell without a column name stands alone."""
    named = zip(columns, cells, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def _table(text: str, block: Block, target: int) -> Iterator[Block]:
    lines = list(_lines(text, block))
    if len(lines) < 3 or not _SEPARATOR.fullmatch(text[slice(*lines[1])]):
        yield block
        return
    columns = [cell.replace(":", "") for cell in _cells(text[slice(*lines[0])])]
    rows = [(start, end, row_text(columns, _cells(text[start:end]))) for start, end in lines[2:]]
    if max(len(row) for _, _, row in rows) > _LONGEST_ROW:
        yield block
        return
    start, end, shown = block.start, block.start, ""
    for row_start, row_end, row in rows:
        if shown and row and len(shown) + len(row) > target:
            yield replace(block, start=start, end=end, shown=shown)
            start, shown = row_start, ""
        shown, end = "\n".join(filter(None, (shown, row))), row_end
    if shown:
        yield replace(block, start=start, end=block.end, shown=shown)


def _lines(text: str, block: Block) -> Iterator[tuple[int, int]]:
    start = block.start
    for line in text[block.start : block.end].splitlines(keepends=True):
        if line.strip():
            yield start, start + len(line.rstrip())
        start += len(line)


def _cells(line: str) -> list[str]:
    plain = line.strip().removeprefix("|").removesuffix("|")
    return [_cell(cell) for cell in _CELLS.split(plain)]


def _cell(cell: str) -> str:
    """Return a cell without markup. A semicolon would end the cell's value."""
    parts = (part.strip("`") if part.startswith("`") else _without_marks(part) for part in _CODE.split(cell))
    plain = "".join(parts).replace("\\|", "|")
    return " ".join(plain.replace(";", ",").split())


def _without_marks(text: str) -> str:
    return _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", text))
