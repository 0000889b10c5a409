"""Documents before publishing, and their division into parts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

MediaType = Literal["text/plain", "text/markdown", "text/html"]

# The contract allows 1,000,000 characters and a body of 1 MiB; parts stay below both.
MAX_PART_BYTES = 600_000
MAX_LENGTHS = {"title": 1_024, "uri": 2_048, "location": 1_024}
PART = "#part-"


@dataclass(frozen=True)
class Document:
    """A document to index. The same source always gets the same ``document_id``.

    ``warnings`` say what of the source could not be read; they are shown and not published.
    """

    document_id: str
    text: str
    title: str = ""
    uri: str = ""
    media_type: MediaType = "text/plain"
    location: str = ""
    warnings: tuple[str, ...] = ()

    def event(self, tenant: str) -> dict[str, Any]:
        """The body of the `documents` record. Title, URI and location are cut to the contract's limits."""
        body = {
            "action": "upsert",
            "tenant": tenant,
            "document_id": self.document_id,
            "text": self.text,
            "title": self.title,
            "uri": self.uri,
            "media_type": self.media_type,
            "location": self.location,
        }
        return {name: value[: MAX_LENGTHS.get(name)] for name, value in body.items() if value}


@dataclass(frozen=True)
class Problem:
    """A source, or part of a source, that could not be read."""

    where: str
    message: str


Loaded = Document | Problem


def parts(document: Document) -> Iterator[Document]:
    """The document, or its parts ``ID#part-N`` if it is too large for one record.

    Cuts between paragraphs if possible, else between lines, else anywhere.
    """
    if _size(document.text) <= MAX_PART_BYTES:
        yield document
        return
    for number, text in enumerate(_pieces(document.text), start=1):
        title = f"{document.title} (part {number})" if document.title else ""
        yield replace(document, document_id=f"{document.document_id}{PART}{number}", text=text, title=title)


def stale_parts(removed: Iterable[str], present: Iterable[str]) -> set[str]:
    """Those of the *removed* ids that are earlier parts of a document that is still present."""
    wholes = {name.partition(PART)[0] for name in present}
    return {name for name in removed if name.partition(PART)[0] in wholes}


def _size(text: str) -> int:
    """Size of the text in a JSON body, in bytes."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))


def _pieces(text: str) -> Iterator[str]:
    pending: list[str] = []
    size = 0
    for unit in _units(text):
        unit_size = _size(unit)
        if pending and size + unit_size > MAX_PART_BYTES:
            yield "".join(pending)
            pending, size = [], 0
        pending.append(unit)
        size += unit_size
    if "".join(pending).strip():
        yield "".join(pending)


def _units(text: str) -> Iterator[str]:
    for paragraph in re.split(r"(?<=\n)(?=\n)", text):
        if _size(paragraph) <= MAX_PART_BYTES:
            yield paragraph
            continue
        for line in paragraph.splitlines(keepends=True):
            step = MAX_PART_BYTES // 6
            yield from (line[i : i + step] for i in range(0, len(line), step))
