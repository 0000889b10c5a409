"""Documents and their passages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from septet_kit.injection.embedded import DETECTOR_VERSION

from septet_retrieval.domain.chunking import CHUNKER_VERSION, Chunk, Limits, chunk
from septet_retrieval.domain.chunking.chunker import SEPARATOR


@dataclass(frozen=True)
class Document:
    """A document as received."""

    tenant: str
    document_id: str
    text: str
    title: str = ""
    uri: str = ""
    media_type: str = "text/plain"
    location: str = ""

    @property
    def content_hash(self) -> str:
        """SHA-256 of everything that determines the passages, with the versions of chunker and detector."""
        versions = f"{CHUNKER_VERSION}.{DETECTOR_VERSION}"
        parts = (self.title, self.text, self.uri, self.media_type, self.location, versions)
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


class Instruction(NamedTuple):
    """Characters ``start`` to ``end`` of a passage's ``field`` (text, title or location) that instruct an assistant."""

    field: str
    start: int
    end: int


@dataclass(frozen=True)
class IndexedPassage:
    """A passage of a document as indexed; ``start`` and ``end`` are character offsets.

    Passages from before the detector have no ``instructions``.
    """

    passage_id: str
    document_id: str
    content_hash: str
    title: str
    location: str
    uri: str
    text: str
    start: int
    end: int
    instructions: tuple[Instruction, ...] = ()

    @property
    def heading(self) -> str:
        """Title and location in one line, without repeated names."""
        names = [self.title, *self.location.split(SEPARATOR)]
        return SEPARATOR.join(dict.fromkeys(name for name in names if name))

    @property
    def searched_text(self) -> str:
        """The embedded and indexed text: heading and text, or only the text if it begins with the title."""
        heading = self.heading
        if not heading or self.text[: len(self.title)].lower() == self.title.lower() != "":
            return self.text
        return f"{heading}\n{self.text}"


def to_passages(document: Document, limits: Limits) -> list[IndexedPassage]:
    """Split a document into passages. Their ids derive from tenant, document and position."""
    content_hash = document.content_hash
    digest = hashlib.sha256(f"{document.tenant}\x1f{document.document_id}".encode()).hexdigest()[:20]
    # PostgreSQL cannot store NUL; a space keeps the offsets.
    chunks = chunk(document.text.replace("\x00", " "), document.media_type, document.location, limits)
    title = document.title or _first_heading(document, chunks)
    return [
        IndexedPassage(
            passage_id=f"{digest}.{number}",
            document_id=document.document_id,
            content_hash=content_hash,
            title=title,
            location=piece.location,
            uri=document.uri,
            text=piece.text,
            start=piece.start,
            end=piece.end,
        )
        for number, piece in enumerate(chunks)
    ]


def _first_heading(document: Document, chunks: list[Chunk]) -> str:
    """Return the top-level heading of a document without a title."""
    if not chunks:
        return ""
    return chunks[0].location.removeprefix(document.location).removeprefix(SEPARATOR).split(SEPARATOR)[0]
