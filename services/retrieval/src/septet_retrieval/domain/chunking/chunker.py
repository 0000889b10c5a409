"""Joins small blocks and splits long ones into passages."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from septet_retrieval.domain.chunking.blocks import Block, Kind, split_block
from septet_retrieval.domain.chunking.html import html_blocks
from septet_retrieval.domain.chunking.markdown import markdown_blocks
from septet_retrieval.domain.chunking.plain import plain_blocks
from septet_retrieval.domain.chunking.rows import with_rows

CHUNKER_VERSION = 2
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
    """Characters ``start`` to ``end`` of the document's text (for HTML: its visible text).

    ``text`` has the rows of a Markdown table as text, so that each row stands alone.
    """

    text: str
    start: int
    end: int
    location: str = ""


def chunk(text: str, media_type: str, location: str = "", limits: Limits = Limits()) -> list[Chunk]:
    """Split a document into passages, each with its heading path under ``location``.

    The result is empty if the document has no visible text.
    """
    text, blocks = _blocks(text, media_type)
    blocks = with_rows(text, blocks, limits.target)
    first = list(_beginning(blocks, limits.whole))
    if not first:
        return []
    whole = _Group.of(first)
    if whole.size <= limits.whole and _one_topic(first):
        groups = [whole]
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
    """Summary of the blocks of one passage.

    Attributes:
        start: of the first block.
        end: of the last block.
        bare: whether it has only headings.
        longest: size of the longest block by heading path.
        rows: blocks of rows, which are shown in place of their source.
    """

    start: int
    end: int
    bare: bool
    longest: dict[tuple[str, ...], int]
    rows: list[Block] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Length of the passage's text."""
        return self.end - self.start + sum(block.size - (block.end - block.start) for block in self.rows)

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> _Group:
        first, *others = blocks
        group = cls(first.start, first.end, first.kind is Kind.HEADING, {first.path: first.size})
        group.rows = [first] if first.shown else []
        for block in others:
            group.add(block)
        return group

    def add(self, block: Block) -> None:
        self.end, self.bare = block.end, self.bare and block.kind is Kind.HEADING
        self.longest[block.path] = max(block.size, self.longest.get(block.path, 0))
        if block.shown:
            self.rows.append(block)

    def follow(self, other: _Group) -> None:
        """Append the following group."""
        self.end, self.bare = other.end, self.bare and other.bare
        self.rows.extend(other.rows)
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
    size = group.size
    joined = size + block.start - group.end + block.size
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
        fits = bare is not None and bare.size + group.start - bare.end + group.size <= limits.maximum * 1.2
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
    heading = SEPARATOR.join(part for part in (location, *_path(group)) if part)
    return Chunk(_shown(text, group), group.start, group.end, heading)


def _shown(text: str, group: _Group) -> str:
    """Return the text of a passage with its tables as rows."""
    parts, at = [], group.start
    for block in group.rows:
        parts += [text[at : block.start], block.shown]
        at = block.end
    return "".join([*parts, text[at : group.end]])


def _path(group: _Group) -> tuple[str, ...]:
    """Return the common heading path of all blocks, or that of the longest block if there is none."""
    shared: list[str] = []
    for names in zip(*group.longest, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return tuple(shared) or max(group.longest, key=group.longest.__getitem__)
