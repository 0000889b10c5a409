"""PDF: text in reading order and tables, by page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from septet_readers.content import Content, Unreadable
from septet_readers.formats.markdown import table
from septet_readers.limits import Limits

_FEWEST_CHARACTERS = 10
_FEWEST_RULES = 4
_MOST_NAMED = 10


def read_pdf(data: bytes, name: str, limits: Limits) -> Content:
    """Pages as sections ``Page N`` of Markdown. Pages that are images alone are named in the warnings."""
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect

    try:
        # Layout analysis groups lines to boxes and orders these by columns.
        document = pdfplumber.open(io.BytesIO(data), laparams={})
    except Exception as error:
        if isinstance(error.__cause__ or error, PDFPasswordIncorrect) or "Password" in repr(error):
            raise Unreadable("it is encrypted with a password", "save it without a password") from error
        raise Unreadable(f"the PDF is damaged: {error or type(error).__name__}", "export it again") from error
    with document:
        if len(document.pages) > limits.pages:
            message = f"it has {len(document.pages):,} pages; the limit is {limits.pages:,}"
            raise Unreadable(message, "divide the file")
        return _content(document, limits)


def _content(document: Any, limits: Limits) -> Content:
    parts, images, length = [], [], 0
    for number, page in enumerate(document.pages, 1):
        text = "\n\n".join(_blocks(page))
        if len(text.strip()) < _FEWEST_CHARACTERS and page.images:
            images.append(number)
        if text.strip():
            parts.append(f"## Page {number}\n\n{text}")
            length += len(text)
        if length > limits.characters:
            raise Unreadable(f"its text is longer than {limits.characters:,} characters", "divide the file")
        # Otherwise each page keeps its layout until the end.
        page.close()
    if images and not parts:
        raise Unreadable(f"all {len(images)} pages are images", "recognise their text first (OCR)")
    about = {key: value for key, value in document.metadata.items() if isinstance(value, str)}
    return Content(
        "\n\n".join(parts),
        "text/markdown",
        "pdf",
        about.get("Title", "").strip(),
        about.get("Author", "").strip(),
        about.get("CreationDate", ""),
        warnings=_warnings(images),
    )


def _blocks(page: Any) -> Iterator[str]:
    """Texts of boxes in reading order, and tables in the place of the text inside them."""
    tables = page.find_tables() if len(page.rects) + len(page.lines) >= _FEWEST_RULES else []
    shown: set[int] = set()
    for box in page.objects.get("textboxhorizontal", []):
        inside = next((n for n, found in enumerate(tables) if _is_inside(box, found.bbox)), None)
        if inside is None:
            yield _paragraph(box["text"])
        elif inside not in shown:
            shown.add(inside)
            yield "\n".join(table(tables[inside].extract()))


def _is_inside(box: dict[str, Any], area: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = area
    x, y = (box["x0"] + box["x1"]) / 2, (box["top"] + box["bottom"]) / 2
    return bool(left <= x <= right and top <= y <= bottom)


def _paragraph(text: str) -> str:
    """The lines of a box as one paragraph; a hyphen at the end of a line joins its word."""
    joined = ""
    for line in (line.strip() for line in text.splitlines()):
        if joined.endswith("-") and joined[-2:-1].isalpha() and line[:1].islower():
            joined = joined[:-1] + line
        else:
            joined = f"{joined} {line}" if joined else line
    return joined


def _warnings(images: list[int]) -> tuple[str, ...]:
    if not images:
        return ()
    named = ", ".join(map(str, images[:_MOST_NAMED])) + (" …" if len(images) > _MOST_NAMED else "")
    return (f"{len(images)} pages are images without text (page {named})",)
