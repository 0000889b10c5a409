"""Markdown that readers write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Lines of a table; its first row is the header. Rows without a value are left out."""
    width = 0
    for row in rows:
        cells = [_cell(value) for value in row]
        if not any(cells):
            continue
        if not width:
            width = len(cells)
            yield _line(cells)
            yield _line(["---"] * width)
            continue
        yield _line((cells + [""] * width)[:width])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return " ".join(str(value).replace("|", "\\|").split())
