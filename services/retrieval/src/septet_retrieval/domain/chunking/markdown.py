"""Blocks of Markdown (CommonMark and tables), with offsets into the source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

from septet_retrieval.domain.chunking.blocks import Block, Kind

# Inline markup is disabled: it is not used, and it takes most of the parser's time.
_BLOCK_PARSER = MarkdownIt("commonmark").enable("table").disable("inline")
_FRONT_MATTER = re.compile(r"\A---\r?\n.*?\r?\n---[^\S\n]*(?:\n|\Z)", re.DOTALL)
_MAX_FRONT_MATTER = 65_536
_SEGMENT = 32_768
# A longer line is prose, whatever its markup.
_LONGEST = 4 * _SEGMENT
_OPEN_FENCE = re.compile(r"\s*?^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_LINES = {"fence", "code_block", "table_open", "html_block"}
_MARKUP = re.compile(r"[*_`]+|!?\[([^\[\]]*)\]\([^()]*\)|\{#[^{}]*\}")


def markdown_blocks(text: str) -> Iterator[Block]:
    """Yield top-level blocks in order, without front matter. Lists, tables, fences and quotes are single blocks.

    The text is parsed in segments, and the last block of a segment is parsed again with the next one. A block longer
    than a segment is split at a line. Without segments, the tokens of one megabyte make garbage collections of half a
    second, which stop every thread.
    """
    front = _FRONT_MATTER.match(text[:_MAX_FRONT_MATTER])
    at = front.end() if front else 0
    headings: dict[int, str] = {}
    cut: Kind | None = None
    while at < len(text):
        end = _segment_end(text, at)
        if end - at > _LONGEST:
            blocks = [(at, Block(at, at + len(text[at:end].rstrip()), Kind.PROSE, tuple(headings.values())))]
        else:
            blocks = list(_top_level(text, at, end, headings))
        fence = _OPEN_FENCE.match(text, at)
        again = end
        if end < len(text) and len(blocks) > 1:
            again, _ = blocks.pop()
        elif fence and (closed := _fence_end(text, fence)) > end:
            again = closed
            blocks = [(at, Block(fence.start(1), closed, Kind.LINES, tuple(headings.values())))]
        for start, block in blocks:
            continues = cut is not None and start == at and block.kind is not Kind.HEADING
            yield replace(block, kind=cut) if continues and cut is not None else block
        cut = blocks[-1][1].kind if again == end and blocks and not fence else None
        at = again


def _segment_end(text: str, start: int) -> int:
    """Return the end of the line in which a segment reaches its size, or of the line before a very long one."""
    end = text.find("\n", start + _SEGMENT) + 1 or len(text)
    if end - start > _LONGEST:
        return text.rfind("\n", start, start + _SEGMENT) + 1 or end
    return end


def _fence_end(text: str, fence: re.Match[str]) -> int:
    """Return the end of a fence: after its closing line, or the end of the text."""
    close = re.compile(rf"^ {{0,3}}{re.escape(fence.group(1))}+[ \t]*$", re.MULTILINE)
    at = fence.end()
    while at < len(text):
        end = _segment_end(text, at)
        if found := close.search(text, at, end):
            return min(len(text), found.end() + 1)
        at = end
    return len(text)


def _top_level(text: str, start: int, end: int, headings: dict[int, str]) -> Iterator[tuple[int, Block]]:
    """Yield the blocks of a segment, each with the offset of its first line."""
    body = text[start:end]
    starts = [start, *(start + n for n in accumulate(map(len, body.splitlines(keepends=True))))]
    tokens = _BLOCK_PARSER.parse(body)
    for position, token in enumerate(tokens):
        if token.level != 0 or token.map is None or token.nesting < 0:
            continue
        if token.type == "heading_open":
            _enter(headings, int(token.tag[1:]), tokens[position + 1])
        block = _block(text, starts, token, tuple(headings.values()))
        if block is not None:
            yield starts[token.map[0]], block


def _enter(headings: dict[int, str], level: int, inline: Token) -> None:
    """Update ``headings`` to the path of the given heading."""
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
