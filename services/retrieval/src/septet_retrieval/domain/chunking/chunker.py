"""Joins small blocks and splits long ones into passages."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from septet_retrieval.domain.chunking.blocks import Block, Kind, split_block
from septet_retrieval.domain.chunking.html import html_blocks
from septet_retrieval.domain.chunking.markdown import markdown_blocks
from septet_retrieval.domain.chunking.plain import plain_blocks

CHUNKER_VERSION = 1
"""Rises when the chunker's results change. Documents are then split and indexed again."""

SEPARATOR = " › "


@dataclass(frozen=True)
class Limits:
    """Passage sizes in characters. A document of at most ``whole`` characters is one passage."""

    target: int = 700
    maximum: int = 1000
    small: int = 200
    whole: int = 1200


@dataclass(frozen=True)
class Chunk:
    """Characters ``start`` to ``end`` of the document's text (for HTML: its visible text)."""

    text: str
    start: int
    end: int
    location: str = ""


def chunk(text: str, media_type: str, location: str = "", limits: Limits = Limits()) -> list[Chunk]:
    """Split a document into passages, each with its heading path under ``location``.

    The result is empty if the document has no visible text.
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
    """Yield the first blocks until they span more than ``length`` characters."""
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
    """Summary of the blocks of one passage; ``longest`` has the size of the longest block by heading path."""

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
        """Append the following group."""
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
    """Whether ``block`` fits into the current passage and begins no new topic."""
    size, joined = group.end - group.start, block.end - group.start
    if joined > limits.maximum:
        return False
    if block.kind is Kind.HEADING:
        return size < limits.small
    if group.bare:
        return True
    return joined <= limits.target or min(size, block.size) < limits.small


def _without_bare_headings(groups: list[_Group], limits: Limits) -> list[_Group]:
    """Join a passage of only headings with the next one, even if the result is 20 % over the maximum."""
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
    """Return the common heading path of all blocks, or that of the longest block if there is none."""
    shared: list[str] = []
    for names in zip(*group.longest, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return tuple(shared) or max(group.longest, key=group.longest.__getitem__)
