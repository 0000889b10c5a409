"""Blocks of an HTML page. Offsets refer to its visible text.

The parser streams and builds no tree, so time and memory are linear in the size of the page, also for deeply nested or
invalid markup. An end tag closes all elements down to its start tag; an end tag without a start tag is ignored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

from septet_retrieval.domain.chunking.blocks import Block, Kind
from septet_retrieval.domain.chunking.rows import row_text

_DROPPED = {"script", "style", "noscript", "template", "nav", "svg", "iframe", "form", "button", "head"}
_NO_TEXT = {"script", "style", "template"}
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_BLOCK_TAGS = """
address article aside blockquote body dd details div dl dt figcaption figure footer header html li main ol p section
summary td th ul
"""
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_VOID_TAGS = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOID_TAGS.split())
_COLLECTED = {*_HEADINGS, "pre", "table"}
_SPACE = re.compile(r"\s+")
_SIDE_ROLES = {"navigation", "banner", "contentinfo", "search"}
_MAIN_TAGS = ("main", "article")
_LEAST_MAIN = 200
"""Characters. A shorter main element is the frame of a page that a script fills."""
_FEED = 16_384
_LONGEST = 4 * _FEED
_BROKEN_TAGS = 8


def html_blocks(source: str) -> tuple[str, Iterator[Block]]:
    """Return the visible text of a page and the blocks of its main content.

    Scripts, styles and navigation are left out. If the page has a ``main`` element, or ``article`` elements, only blocks in
    these count.
    """
    reader = _Reader()
    reader.read(source)
    return reader.out.finish()


class _Rendering:
    """The rendered text, its blocks, and the heading path of the next block."""

    def __init__(self) -> None:
        self.inline: list[str] = []
        self._parts: list[str] = []
        self._length = 0
        # Plain tuples: the garbage collector untracks them, and a page may have hundreds of thousands.
        self._blocks: list[tuple[int, int, str, tuple[str, ...]]] = []
        self._headings: dict[int, str] = {}
        self._main: dict[str, list[range]] = {tag: [] for tag in _MAIN_TAGS}

    def finish(self) -> tuple[str, Iterator[Block]]:
        self.close_paragraph()
        chosen = next(filter(self._is_long, self._main.values()), [range(len(self._blocks))])
        found = (self._blocks[n] for n in sorted({n for numbers in chosen for n in numbers}))
        return "".join(self._parts), (Block(start, end, Kind(kind), path) for start, end, kind, path in found)

    def _is_long(self, numbers: list[range]) -> bool:
        return sum(self._blocks[n][1] - self._blocks[n][0] for part in numbers for n in part) >= _LEAST_MAIN

    def position(self) -> int:
        """Number of the next block."""
        self.close_paragraph()
        return len(self._blocks)

    def end_main(self, tag: str, start: int) -> None:
        """Mark the blocks since *start* as content of an element."""
        self._main[tag].append(range(start, self.position()))

    def close_paragraph(self) -> None:
        paragraph = _joined(self.inline)
        self.inline.clear()
        self.add(paragraph, Kind.PROSE)

    def add(self, paragraph: str, kind: Kind) -> None:
        if not paragraph:
            return
        if self._parts:
            self._append("\n\n")
        start = self._length
        self._append(paragraph)
        self._blocks.append((start, self._length, kind.value, tuple(self._headings.values())))

    def add_heading(self, level: int, title: str) -> None:
        for deeper in [known for known in self._headings if known >= level]:
            del self._headings[deeper]
        if title:
            self._headings[level] = title
            self.add(title, Kind.HEADING)

    def _append(self, part: str) -> None:
        self._parts.append(part)
        self._length += len(part)


class _Reader(HTMLParser):
    """Renders tags and texts.

    ``_hidden`` is the depth of the open element whose content is dropped; ``_collecting`` that of the open element
    that is rendered as a whole.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out = _Rendering()
        self._stack: list[str] = []
        self._open: Counter[str] = Counter()
        self._main: list[tuple[int, str, int]] = []
        self._hidden: int | None = None
        self._collecting: int | None = None
        self._texts: list[str] = []
        self._rows: list[list[list[str]]] = []
        self._has_header = False

    def read(self, source: str) -> None:
        """Read a page in pieces, so that each search of the parser is short."""
        self._feed_pieces(source)
        for _ in range(_BROKEN_TAGS):
            # The rest begins with an unterminated construct.
            left, self.rawdata = self.rawdata, ""
            if not left or self.cdata_elem or left.startswith(("<!", "<?")):
                break
            if ">" not in left:
                self.handle_data(unescape(left))
                break
            self.handle_data(left[0])
            self._feed_pieces(left[1:])
        while self._stack:
            self._close()

    def _feed_pieces(self, source: str) -> None:
        for start in range(0, len(source), _FEED):
            self.feed(source[start : start + _FEED])
            if len(self.rawdata) > _LONGEST:
                self._shorten()

    def _shorten(self) -> None:
        """Drop or render an unterminated construct, because every further piece searches it again."""
        if self.cdata_elem or self.rawdata.startswith(("<!", "<?")):
            # Not text: keep its start, and the last characters, which may begin its end.
            self.rawdata = (self.rawdata[:4] if not self.cdata_elem else "") + self.rawdata[-16:]
        else:
            text, self.rawdata = self.rawdata, ""
            self.handle_data(text)

    def parse_html_declaration(self, i: int) -> int:
        """As HTML 5 does, read ``<![…>`` as a comment; the standard library rejects unknown sections."""
        if self.rawdata.startswith("<![", i):
            return int(self.parse_bogus_comment(i))
        return int(super().parse_html_declaration(i))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            if tag == "br" and self._hidden is None and self._collecting is None:
                self.out.inline.append(" ")
            return
        self._stack.append(tag)
        self._open[tag] += 1
        if self._hidden is not None:
            return
        depth = len(self._stack)
        role = dict(attrs).get("role")
        if tag in (_DROPPED if self._collecting is None else _NO_TEXT) or role in _SIDE_ROLES:
            self._hidden = depth
        elif self._collecting is not None:
            self._begin_cell(tag)
        elif tag in _COLLECTED:
            self.out.close_paragraph()
            self._collecting = depth
        elif tag in _BLOCKS:
            self.out.close_paragraph()
            main = "main" if role == "main" else tag
            # Nested articles are part of the outer one.
            if main in _MAIN_TAGS and not any(open_tag == main for _, open_tag, _ in self._main):
                self._main.append((depth, main, self.out.position()))

    def handle_endtag(self, tag: str) -> None:
        if self._open[tag]:
            while self._close() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._hidden is not None:
            return
        if len(data) > _FEED:
            for start in range(0, len(data), _FEED):
                self.handle_data(data[start : start + _FEED])
        elif self._collecting is None:
            self.out.inline.append(data)
        elif self._stack[self._collecting - 1] != "table":
            self._texts.append(data)
        elif self._rows and self._rows[-1]:
            self._rows[-1][-1].append(data)

    def _begin_cell(self, tag: str) -> None:
        if tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th") and self._rows:
            if len(self._rows) == 1:
                self._has_header = tag == "th" and (self._has_header or not self._rows[0])
            self._rows[-1].append([])

    def _close(self) -> str:
        """Close the innermost element; return its tag."""
        depth, tag = len(self._stack), self._stack.pop()
        self._open[tag] -= 1
        if self._hidden is not None:
            self._hidden = None if self._hidden == depth else self._hidden
        elif self._collecting == depth:
            self._collecting = None
            self._render(tag)
        elif self._collecting is None and tag in _BLOCKS:
            self.out.close_paragraph()
            if self._main and self._main[-1][0] == depth:
                _, main, start = self._main.pop()
                self.out.end_main(main, start)
        return tag

    def _render(self, tag: str) -> None:
        """Add a heading, preformatted text or a table. Rows of nested tables become rows of the table."""
        if tag in _HEADINGS:
            self.out.add_heading(_HEADINGS[tag], _joined(self._texts))
        elif tag == "pre":
            self.out.add("".join(self._texts).strip("\r\n"), Kind.LINES)
        else:
            rows = _rows([list(map(_joined, row)) for row in self._rows], has_header=self._has_header)
            self.out.add("\n".join(rows), Kind.LINES)
        self._texts.clear()
        self._rows.clear()
        self._has_header = False


def _rows(rows: list[list[str]], *, has_header: bool) -> Iterator[str]:
    """Yield the rows of a table under the names of its first row, or with bars if that is no header."""
    names = [cell.replace(":", "") for cell in rows[0]] if has_header and len(rows) > 1 else []
    for row in rows[1:] if names else rows:
        if names and 1 < len(row) <= len(names):
            text = row_text(names, [cell.replace(";", ",") for cell in row])
        else:
            text = " | ".join(row)
        if text.strip(" |"):
            yield text


def _joined(texts: list[str]) -> str:
    """Join texts with single spaces, piece by piece: one search over a megabyte blocks all threads."""
    pieces: list[str] = []
    for text in texts:
        piece = _SPACE.sub(" ", text)
        if pieces and pieces[-1].endswith(" "):
            piece = piece.removeprefix(" ")
        if piece:
            pieces.append(piece)
    return "".join(pieces).strip()
