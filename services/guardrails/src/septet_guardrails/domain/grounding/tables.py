"""Tables in a passage: pipe tables, and rows written as ``column: value; column: value``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

_SEPARATOR = re.compile(r"\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?")
_CELLS = re.compile(r"(?<!\\)\|")
# A sentence end in the name shows that the line is prose.
_COLUMN_AND_VALUE = re.compile(r"\s*((?:(?![.!?]\s)[^:]){1,80}):(?:\s+(.*))?")
MAX_TABLES = 8
"""Most tables of a passage; text after them is prose."""

_MAX_ROWS = 200
_MAX_COLUMNS = 40
_MAX_LINE = 4_000
# A longer cell is text. Claims about it are compared with it as with a sentence.
_LONG_CELL = 60


@dataclass(frozen=True)
class Table:
    """Column names and the cells of each row, as written."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Line:
    """A line; ``cells`` of a pipe table, or ``pairs`` of column and value. Both are empty for prose."""

    text: str
    cells: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def form(self) -> str:
        """Form of the table that consecutive lines belong to."""
        return "cells" if self.cells else "pairs" if self.pairs else ""


def split_tables(text: str, limit: int = MAX_TABLES) -> tuple[list[Table], str]:
    """Return at most ``limit`` tables of a text, and the rest of the text with the tables' long cells."""
    if "|" not in text and "; " not in text:
        return [], text
    tables: list[Table] = []
    prose: list[str] = []
    for form, group in groupby(map(_line, text.split("\n")), key=lambda line: line.form):
        lines = list(group)
        form = form if len(tables) < limit else ""
        table = _of_pairs(lines) if form == "pairs" else _of_cells(lines) if form else None
        if table is None:
            prose.extend(line.text for line in lines)
        else:
            tables.append(table)
            prose.extend(_long_cells(table))
    return tables, "\n".join(prose)


def _line(text: str) -> _Line:
    line = text.strip()
    if len(line) > _MAX_LINE:
        return _Line(text)
    if line.startswith("|"):
        cells = tuple(cell.strip() for cell in _CELLS.split(line.removeprefix("|").removesuffix("|")))
        return _Line(text, cells=cells if 2 <= len(cells) <= _MAX_COLUMNS else ())
    if "; " in line:
        pairs = [_COLUMN_AND_VALUE.fullmatch(part) for part in line.split(";")]
        if len(pairs) <= _MAX_COLUMNS and all(pairs):
            found = ((pair.group(1).strip(), (pair.group(2) or "").strip()) for pair in pairs if pair)
            return _Line(text, pairs=tuple(found))
    return _Line(text)


def _of_cells(lines: Sequence[_Line]) -> Table | None:
    """Return a pipe table, whose first line has the column names; None if it has no other line."""
    columns, *body = [line.cells for line in lines if not _SEPARATOR.fullmatch(line.text.strip())] or [()]
    if not columns or not body:
        return None
    width = len(columns)
    return Table(
        columns, tuple((*row, *[""] * (width - len(row)))[:width] for row in body[:_MAX_ROWS] if any(row))
    )


def _of_pairs(lines: Sequence[_Line]) -> Table:
    """Return a table of rows that may lack columns."""
    columns = tuple(dict.fromkeys(name for line in lines for name, _ in line.pairs))[:_MAX_COLUMNS]
    rows = (dict(line.pairs) for line in lines[:_MAX_ROWS])
    return Table(columns, tuple(tuple(row.get(name, "") for name in columns) for row in rows))


def _long_cells(table: Table) -> Iterator[str]:
    """Yield each long cell after the row's first cell, which usually names its subject."""
    for row in table.rows:
        for at, cell in enumerate(row):
            if len(cell) > _LONG_CELL:
                yield cell if at == 0 else f"{row[0]}: {cell}"
