"""Blocks of Markdown (CommonMark and tables), with offsets into the source."""

from __future__ import annotations

import re
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

from septet_retrieval.domain.chunking.blocks import Block, Kind

# Without inline markup, which takes most of the parser's time and of which nothing is used.
_BLOCK_PARSER = MarkdownIt("commonmark").enable("table").disable("inline")
_FRONT_MATTER = re.compile(r"\A---\r?\n.*?\r?\n---[^\S\n]*(?:\n|\Z)", re.DOTALL)
_LINES = {"fence", "code_block", "table_open", "html_block"}
_MARKUP = re.compile(r"[*_`]+|!?\[([^\[\]]*)\]\([^()]*\)|\{#[^{}]*\}")


def markdown_blocks(text: str) -> list[Block]:
    """Top-level blocks in order: lists, tables, fences and quotes whole; front matter left out."""
    front = _FRONT_MATTER.match(text)
    skipped = front.end() if front else 0
    body = text[skipped:]
    starts = [skipped, *(skipped + n for n in accumulate(map(len, body.splitlines(keepends=True))))]
    tokens = _BLOCK_PARSER.parse(body)
    blocks: list[Block] = []
    headings: dict[int, str] = {}
    for position, token in enumerate(tokens):
        if token.level != 0 or token.map is None or token.nesting < 0:
            continue
        if token.type == "heading_open":
            _enter(headings, int(token.tag[1:]), tokens[position + 1])
        block = _block(text, starts, token, tuple(headings.values()))
        if block is not None:
            blocks.append(block)
    return blocks


def _enter(headings: dict[int, str], level: int, inline: Token) -> None:
    """Make ``headings`` the path down to the heading at hand."""
    for deeper in [known for known in headings if known >= level]:
        del headings[deeper]
    headings[level] = _MARKUP.sub(lambda m: m.group(1) or "", inline.content).strip()


def _block(text: str, starts: list[int], token: Token, path: tuple[str, ...]) -> Block | None:
    assert token.map is not None
    start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
    raw = text[start:end]
    start, end = start + len(raw) - len(raw.lstrip("\r\n")), start + len(raw.rstrip())
    if start >= end:
        return None
    if token.type == "heading_open":
        return Block(start, end, Kind.HEADING, path)
    return Block(start, end, Kind.LINES if token.type in _LINES else Kind.PROSE, path)
