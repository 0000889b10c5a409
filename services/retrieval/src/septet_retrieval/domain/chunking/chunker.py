"""From blocks to passages: small neighbours are joined, long blocks are torn."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
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
    first = list(_beginning(blocks, limits.whole))
    if not first:
        return []
    if first[-1].end - first[0].start <= limits.whole and _one_topic(first):
        groups = [_Group.of(first)]
    else:
        every = itertools.chain(first, blocks)
        groups = _pack(
            (piece for block in every for piece in split_block(text, block, limits.maximum)), limits
        )
    return [_chunk(text, group, location) for group in groups]


def _beginning(blocks: Iterator[Block], length: int) -> Iterator[Block]:
    """The first blocks, up to the one that ends more than ``length`` characters after their beginning."""
    start: int | None = None
    for block in blocks:
        start = block.start if start is None else start
        yield block
        if block.end - start > length:
            return


def _blocks(text: str, media_type: str) -> tuple[str, Iterator[Block]]:
    if media_type == "text/html":
        return html_blocks(text)
    return text, markdown_blocks(text) if media_type == "text/markdown" else plain_blocks(text)


def _one_topic(blocks: Sequence[Block]) -> bool:
    return len({block.path for block in blocks}) <= 2


@dataclass
class _Group:
    """The blocks of one passage, without the blocks: by heading path, the size of the longest."""

    start: int
    end: int
    bare: bool
    longest: dict[tuple[str, ...], int]

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> _Group:
        first, *others = blocks
        group = cls(first.start, first.end, first.kind is Kind.HEADING, {first.path: first.size})
        for block in others:
            group.add(block)
        return group

    def add(self, block: Block) -> None:
        self.end, self.bare = block.end, self.bare and block.kind is Kind.HEADING
        self.longest[block.path] = max(block.size, self.longest.get(block.path, 0))

    def follow(self, other: _Group) -> None:
        """Take in the group after this one."""
        self.end, self.bare = other.end, self.bare and other.bare
        for path, size in other.longest.items():
            self.longest[path] = max(size, self.longest.get(path, 0))


def _pack(blocks: Iterable[Block], limits: Limits) -> list[_Group]:
    groups: list[_Group] = []
    for block in blocks:
        if groups and _joins(groups[-1], block, limits):
            groups[-1].add(block)
        else:
            groups.append(_Group.of([block]))
    return _without_bare_headings(groups, limits)


def _joins(group: _Group, block: Block, limits: Limits) -> bool:
    """Whether ``block`` belongs to the passage at hand: it fits, and no new topic begins with it."""
    size, joined = group.end - group.start, block.end - group.start
    if joined > limits.maximum:
        return False
    if block.kind is Kind.HEADING:
        return size < limits.small
    if group.bare:
        return True
    return joined <= limits.target or min(size, block.size) < limits.small


def _without_bare_headings(groups: list[_Group], limits: Limits) -> list[_Group]:
    """A heading alone says nothing: it goes to the passage after it, even a little past the maximum."""
    kept: list[_Group] = []
    bare: _Group | None = None
    for group in groups:
        fits = bare is not None and group.end - bare.start <= limits.maximum * 1.2
        if bare is not None and fits:
            bare.follow(group)
        else:
            if bare is not None and group.bare:
                kept.append(bare)
            bare = group
        if not bare.bare:
            kept.append(bare)
            bare = None
    if bare is not None:
        kept.append(bare)
    return kept


def _chunk(text: str, group: _Group, location: str) -> Chunk:
    start, end = group.start, group.end
    path = _path(group)
    return Chunk(text[start:end], start, end, SEPARATOR.join(part for part in (location, *path) if part))


def _path(group: _Group) -> tuple[str, ...]:
    """The heading path that all blocks share, or that of the longest block when they share none."""
    shared: list[str] = []
    for names in zip(*group.longest, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return tuple(shared) or max(group.longest, key=group.longest.__getitem__)
