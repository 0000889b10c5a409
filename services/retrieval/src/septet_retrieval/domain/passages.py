"""Passages, and how a document becomes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from septet_retrieval.domain.chunking import CHUNKER_VERSION, Chunk, Limits, chunk
from septet_retrieval.domain.chunking.chunker import SEPARATOR


@dataclass(frozen=True)
class Document:
    """A document as it was sent."""

    tenant: str
    document_id: str
    text: str
    title: str = ""
    uri: str = ""
    media_type: str = "text/plain"
    location: str = ""

    @property
    def content_hash(self) -> str:
        """SHA-256 of all that the passages are made from, the way of cutting included."""
        parts = (self.title, self.text, self.uri, self.media_type, self.location, str(CHUNKER_VERSION))
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class IndexedPassage:
    """A piece of a document as both indexes hold it; ``start`` and ``end`` count characters."""

    passage_id: str
    document_id: str
    content_hash: str
    title: str
    location: str
    uri: str
    text: str
    start: int
    end: int

    @property
    def heading(self) -> str:
        """Title and location in one line, each name once."""
        names = [self.title, *self.location.split(SEPARATOR)]
        return SEPARATOR.join(dict.fromkeys(name for name in names if name))

    @property
    def searched_text(self) -> str:
        """What is embedded and indexed: the text below its heading, unless it begins with it."""
        heading = self.heading
        if not heading or self.text[: len(self.title)].lower() == self.title.lower() != "":
            return self.text
        return f"{heading}\n{self.text}"


def to_passages(document: Document, limits: Limits) -> list[IndexedPassage]:
    """Cut a document into passages; ids follow from tenant, document and position."""
    content_hash = document.content_hash
    digest = hashlib.sha256(f"{document.tenant}\x1f{document.document_id}".encode()).hexdigest()[:20]
    # PostgreSQL stores no NUL; a space keeps the offsets.
    chunks = chunk(document.text.replace("\x00", " "), document.media_type, document.location, limits)
    title = document.title or _first_heading(document, chunks)
    return [
        IndexedPassage(
            passage_id=f"{digest}.{number}", document_id=document.document_id, content_hash=content_hash,
            title=title, location=piece.location, uri=document.uri, text=piece.text,
            start=piece.start, end=piece.end,
        )
        for number, piece in enumerate(chunks)
    ]  # fmt: skip


def _first_heading(document: Document, chunks: list[Chunk]) -> str:
    """The outermost heading of a document that was sent without a title."""
    if not chunks:
        return ""
    return chunks[0].location.removeprefix(document.location).removeprefix(SEPARATOR).split(SEPARATOR)[0]
