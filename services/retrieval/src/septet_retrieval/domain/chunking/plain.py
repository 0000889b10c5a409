"""Blocks of plain text: paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from septet_retrieval.domain.chunking.blocks import Block, Kind

_CODE_LINE = re.compile(r"^(?: {4}|\t|>>> |\.\.\. )")


def plain_blocks(text: str) -> Iterator[Block]:
    """Yield paragraphs in order. A paragraph of indented or prompt lines counts as code."""
    for start, raw in _paragraphs(text):
        if raw:
            yield Block(start, start + len(raw), _kind(raw))


def _paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Yield runs of non-blank lines with their offset, without leading white space."""
    start, at = 0, 0
    for line in text.split("\n"):
        if not line.strip():
            yield _from_word(text, start, at)
            start = at + len(line) + 1
        at += len(line) + 1
    yield _from_word(text, start, len(text))


def _from_word(text: str, start: int, end: int) -> tuple[int, str]:
    raw = text[start:end]
    return start + len(raw) - len(raw.lstrip()), raw.strip()


def _kind(paragraph: str) -> Kind:
    lines = paragraph.splitlines()[1:] or [paragraph]
    code = sum(bool(_CODE_LINE.match(line)) for line in lines)
    return Kind.LINES if code * 2 > len(lines) else Kind.PROSE
