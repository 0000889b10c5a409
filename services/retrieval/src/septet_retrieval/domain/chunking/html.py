"""Blocks of HTML: its visible text, rendered block by block; offsets are into that text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from septet_retrieval.domain.chunking.blocks import Block, Kind

_DROPPED = {"script", "style", "noscript", "template", "nav", "svg", "iframe", "form", "button", "head"}
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt", "figcaption",
    "figure", "footer", "header", "html", "li", "main", "ol", "p", "section", "summary", "td", "th", "ul",
}  # fmt: skip
_WHOLE = {"pre", "table"}
_SPACE = re.compile(r"\s+")


@dataclass
class _Rendering:
    text: str = ""
    blocks: list[Block] = field(default_factory=list)
    headings: dict[int, str] = field(default_factory=dict)
    inline: list[str] = field(default_factory=list)

    def close_paragraph(self) -> None:
        paragraph = _SPACE.sub(" ", "".join(self.inline)).strip()
        self.inline.clear()
        self.add(paragraph, Kind.PROSE)

    def add(self, paragraph: str, kind: Kind) -> None:
        if not paragraph:
            return
        if self.text:
            self.text += "\n\n"
        start = len(self.text)
        self.text += paragraph
        self.blocks.append(Block(start, len(self.text), kind, tuple(self.headings.values())))


def html_blocks(source: str) -> tuple[str, list[Block]]:
    """The visible text of a page and its blocks; scripts, styles and navigation are left out."""
    rendering = _Rendering()
    _walk(BeautifulSoup(source, "html.parser"), rendering)
    rendering.close_paragraph()
    return rendering.text, rendering.blocks


def _walk(node: Tag, out: _Rendering) -> None:
    for child in node.children:
        if isinstance(child, Tag):
            _element(child, out)
        elif _is_text(child):
            out.inline.append(str(child))


def _is_text(node: PageElement) -> bool:
    """Comments, doctypes and processing instructions are strings, too, but not visible ones."""
    return isinstance(node, NavigableString) and not isinstance(node, PreformattedString)


def _element(tag: Tag, out: _Rendering) -> None:
    name = tag.name.lower()
    if name in _DROPPED:
        return
    if name in _HEADINGS:
        out.close_paragraph()
        _heading(tag, _HEADINGS[name], out)
    elif name in _WHOLE:
        out.close_paragraph()
        out.add(_rows(tag) if name == "table" else tag.get_text().strip("\r\n"), Kind.LINES)
    elif name in _BLOCKS:
        out.close_paragraph()
        _walk(tag, out)
        out.close_paragraph()
    elif name == "br":
        out.inline.append(" ")
    else:
        _walk(tag, out)


def _heading(tag: Tag, level: int, out: _Rendering) -> None:
    title = _SPACE.sub(" ", tag.get_text()).strip()
    for deeper in [known for known in out.headings if known >= level]:
        del out.headings[deeper]
    if title:
        out.headings[level] = title
        out.add(title, Kind.HEADING)


def _rows(table: Tag) -> str:
    rows = (
        " | ".join(_SPACE.sub(" ", cell.get_text()).strip() for cell in row.find_all(["td", "th"]))
        for row in table.find_all("tr")
    )
    return "\n".join(row for row in rows if row.strip(" |"))
