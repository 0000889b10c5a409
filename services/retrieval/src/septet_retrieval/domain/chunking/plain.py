"""Blocks of plain text: its paragraphs."""

from __future__ import annotations

import re

from septet_retrieval.domain.chunking.blocks import Block, Kind

_PARAGRAPH = re.compile(r"\S(?:.*?)(?=\n[^\S\n]*\n|\Z)", re.DOTALL)
_CODE_LINE = re.compile(r"^(?: {4}|\t|>>> |\.\.\. )")


def plain_blocks(text: str) -> list[Block]:
    """Paragraphs, in order; a paragraph of indented or prompt lines counts as code."""
    blocks: list[Block] = []
    for match in _PARAGRAPH.finditer(text):
        raw = match.group()
        end = match.start() + len(raw.rstrip())
        if end > match.start():
            blocks.append(Block(match.start(), end, _kind(raw)))
    return blocks


def _kind(paragraph: str) -> Kind:
    lines = paragraph.splitlines()[1:] or [paragraph]
    code = sum(bool(_CODE_LINE.match(line)) for line in lines)
    return Kind.LINES if code * 2 > len(lines) else Kind.PROSE
