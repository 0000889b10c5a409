"""Plain text, source code and Markdown."""

from __future__ import annotations

from septet_readers.content import Content
from septet_readers.decoding import decode
from septet_readers.limits import Limits


def read_text(data: bytes, name: str, limits: Limits) -> Content:
    """Text as it is."""
    decoded = decode(data)
    return Content(decoded.text, encoding=decoded.encoding, confidence=decoded.confidence)


def read_markdown(data: bytes, name: str, limits: Limits) -> Content:
    """Markdown as it is; the title is its first heading of level 1."""
    decoded = decode(data)
    lines = (line.strip() for line in decoded.text.splitlines())
    title = next((line[2:].strip() for line in lines if line.startswith("# ")), "")
    return Content(
        decoded.text,
        "text/markdown",
        "markdown",
        title,
        encoding=decoded.encoding,
        confidence=decoded.confidence,
    )
