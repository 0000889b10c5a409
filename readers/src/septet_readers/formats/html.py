"""HTML pages. The chunker of retrieval selects their main content."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from bs4.filter import SoupStrainer

from septet_readers.content import Content
from septet_readers.decoding import decode
from septet_readers.limits import Limits

_DECLARED = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{2,40})""", re.IGNORECASE)
_HEAD = 65_536


def read_html(data: bytes, name: str, limits: Limits) -> Content:
    """The page as it is, with the title and author of its head.

    The declared encoding counts, if the bytes are valid in it.
    """
    text, encoding, confidence = _decoded(data)
    head = BeautifulSoup(text[:_HEAD], "html.parser", parse_only=SoupStrainer(["title", "h1", "meta"]))
    title = head.title or head.find("h1")
    author = head.find("meta", attrs={"name": "author"})
    return Content(
        text,
        "text/html",
        "html",
        title.get_text(" ", strip=True) if title else "",
        str(author.get("content", "")) if author else "",
        encoding=encoding,
        confidence=confidence,
    )


def _decoded(data: bytes) -> tuple[str, str, float]:
    declared = _DECLARED.search(data[:_HEAD])
    if declared:
        name = declared[1].decode("ascii").lower()
        # Browsers read these names as their supersets.
        name = {"euc-kr": "cp949", "iso-8859-1": "cp1252", "gb2312": "gb18030"}.get(name, name)
        try:
            return data.decode(name), name, 1.0
        except (UnicodeDecodeError, LookupError):
            pass
    decoded = decode(data)
    return decoded.text, decoded.encoding, decoded.confidence
