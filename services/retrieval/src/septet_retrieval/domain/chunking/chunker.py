"""From blocks to passages: small neighbours are joined, long blocks are torn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from septet_retrieval.domain.chunking.blocks import Block, Kind, split_block
from septet_retrieval.domain.chunking.html import html_blocks
from septet_retrieval.domain.chunking.markdown import markdown_blocks
from septet_retrieval.domain.chunking.plain import plain_blocks

CHUNKER_VERSION = 1
"""Rises when the same text would be cut differently: documents are then cut and indexed anew."""

SEPARATOR = " › "


@dataclass(frozen=True)
class Limits:
    """Passage sizes in characters; a document of at most ``whole`` is one passage."""

    target: int = 700
    maximum: int = 1000
    small: int = 200
    whole: int = 1200


@dataclass(frozen=True)
class Chunk:
    """Characters ``start`` to ``end`` of the document's (for HTML: the visible) text."""

    text: str
    start: int
    end: int
    location: str = ""


def chunk(text: str, media_type: str, location: str = "", limits: Limits = Limits()) -> list[Chunk]:
    """Cut a document into passages, each with its heading path below ``location``.

    Empty when the document has no visible text.
    """
    text, blocks = _blocks(text, media_type)
    if not blocks:
        return []
    if blocks[-1].end - blocks[0].start <= limits.whole and _one_topic(blocks):
        groups: Iterable[Sequence[Block]] = [blocks]
    else:
        pieces = [piece for block in blocks for piece in split_block(text, block, limits.maximum)]
        groups = _pack(pieces, limits)
    return [_chunk(text, group, location) for group in groups]


def _blocks(text: str, media_type: str) -> tuple[str, list[Block]]:
    if media_type == "text/html":
        return html_blocks(text)
    return text, markdown_blocks(text) if media_type == "text/markdown" else plain_blocks(text)


def _one_topic(blocks: Sequence[Block]) -> bool:
    return len({block.path for block in blocks}) <= 2


def _pack(blocks: Sequence[Block], limits: Limits) -> list[list[Block]]:
    groups: list[list[Block]] = []
    for block in blocks:
        if groups and _joins(groups[-1], block, limits):
            groups[-1].append(block)
        else:
            groups.append([block])
    return _without_bare_headings(groups, limits)


def _joins(group: Sequence[Block], block: Block, limits: Limits) -> bool:
    """Whether ``block`` belongs to the passage at hand: it fits, and no new topic begins with it."""
    size, joined = group[-1].end - group[0].start, block.end - group[0].start
    if joined > limits.maximum:
        return False
    if block.kind is Kind.HEADING:
        return size < limits.small
    if all(member.kind is Kind.HEADING for member in group):
        return True
    return joined <= limits.target or min(size, block.size) < limits.small


def _without_bare_headings(groups: list[list[Block]], limits: Limits) -> list[list[Block]]:
    """A heading alone says nothing: it goes to the passage after it, even a little past the maximum."""
    kept: list[list[Block]] = []
    bare: list[Block] = []
    for group in groups:
        if all(block.kind is Kind.HEADING for block in group):
            bare += group
            continue
        kept.append(
            [*bare, *group] if bare and group[-1].end - bare[0].start <= limits.maximum * 1.2 else group
        )
        bare = []
    if bare:
        kept.append(bare)
    return kept


def _chunk(text: str, group: Sequence[Block], location: str) -> Chunk:
    start, end = group[0].start, group[-1].end
    path = _path(group)
    return Chunk(text[start:end], start, end, SEPARATOR.join(part for part in (location, *path) if part))


def _path(group: Sequence[Block]) -> tuple[str, ...]:
    """The heading path that all blocks share, or that of the longest block when they share none."""
    shared: list[str] = []
    for names in zip(*(block.path for block in group), strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return tuple(shared) or max(group, key=lambda block: block.size).path
