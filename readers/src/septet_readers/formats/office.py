"""DOCX and PPTX. They become HTML, whose tables and headings the chunker reads."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from html import escape
from typing import Any

from defusedxml import ElementTree

from septet_readers.content import Content, Unreadable
from septet_readers.limits import Limits

_CORE = "docProps/core.xml"


def read_docx(data: bytes, name: str, limits: Limits) -> Content:
    """Paragraphs, headings, lists, tables and notes of a document, without its images."""
    import mammoth

    converted = mammoth.convert_to_html(
        io.BytesIO(data), convert_image=mammoth.images.img_element(lambda image: {"src": ""})
    )
    title, author, created = _properties(data)
    return Content(converted.value, "text/html", "docx", title, author, created)


def read_pptx(data: bytes, name: str, limits: Limits) -> Content:
    """A section for each slide: its title, texts, tables and notes."""
    from pptx import Presentation

    presentation = Presentation(io.BytesIO(data))
    slides = list(presentation.slides)
    if len(slides) > limits.pages:
        raise Unreadable(f"it has {len(slides):,} slides; the limit is {limits.pages:,}", "divide the file")
    parts = [part for number, slide in enumerate(slides, 1) for part in _slide(number, slide)]
    about = presentation.core_properties
    created = about.created.isoformat() if about.created else ""
    return Content("\n".join(parts), "text/html", "pptx", about.title or "", about.author or "", created)


def _slide(number: int, slide: Any) -> Iterator[str]:
    heading = slide.shapes.title
    title = heading.text_frame.text.strip() if heading is not None and heading.has_text_frame else ""
    yield f"<h2>{escape(f'Slide {number}: {title}' if title else f'Slide {number}')}</h2>"
    for shape in _shapes(slide.shapes):
        if shape == heading:
            continue
        if getattr(shape, "has_table", False):
            yield _table(shape.table)
        elif shape.has_text_frame:
            yield from (f"<p>{escape(p.text)}</p>" for p in shape.text_frame.paragraphs if p.text.strip())
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        yield from (f"<p>{escape(p.text)}</p>" for p in frame.paragraphs if p.text.strip())


def _shapes(shapes: Any) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _table(table: Any) -> str:
    rows = [[escape(cell.text.strip()) for cell in row.cells] for row in table.rows]
    head, *body = rows or [[]]
    lines = [f"<tr>{''.join(f'<th>{c}</th>' for c in head)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{c}</td>' for c in row)}</tr>" for row in body]
    return f"<table>{''.join(lines)}</table>"


def _properties(data: bytes) -> tuple[str, str, str]:
    """Title, author and time of creation of an Office file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if _CORE not in archive.namelist():
            return "", "", ""
        about = ElementTree.fromstring(archive.read(_CORE))
    title, author, created = (about.findtext(f".//{{*}}{field}") for field in ("title", "creator", "created"))
    return title or "", author or "", created or ""
