"""Builders of document events, and a deterministic embedder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from septet_kit import Transient
from septet_kit.embedding_models import TextKind
from septet_retrieval.application.ingest import Incoming
from septet_retrieval.domain.chunking import Limits
from septet_retrieval.domain.passages import Document, to_passages
from septet_retrieval.domain.revisions import Origin

DIMENSIONS = 64
START = datetime(2026, 1, 1, tzinfo=UTC)


class WordEmbedder:
    """Embeds by hashed words: texts that share words are close. ``down`` makes it fail."""

    model = "words"
    multilingual = False

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.kinds: list[TextKind] = []
        self.down = False

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        if self.down:
            raise Transient("embeddings_unavailable", "down")
        self.texts += texts
        self.kinds += [kind] * len(texts)
        return np.stack([self._one(text) for text in texts])

    def _one(self, text: str) -> NDArray[np.float32]:
        vector = np.full(DIMENSIONS, 0.01, dtype=np.float32)
        for word in text.lower().split():
            vector[int(hashlib.sha256(word.strip(".,?:").encode()).hexdigest()[:8], 16) % DIMENSIONS] += 1
        return vector / np.float32(np.linalg.norm(vector))


def upsert(
    document_id: str,
    text: str,
    offset: int,
    *,
    revision: int | None = None,
    tenant: str = "default",
    title: str = "",
) -> Incoming:
    """Return a document event from partition 0 at ``offset``."""
    document = Document(tenant, document_id, text, title=title)
    origin = Origin(START + timedelta(seconds=offset), 0, offset)
    passages = to_passages(document, Limits())
    return Incoming((tenant, document_id), revision, document.content_hash, origin, passages)


def delete(
    document_id: str, offset: int, *, revision: int | None = None, tenant: str = "default"
) -> Incoming:
    """Return a deletion from partition 0 at ``offset``."""
    origin = Origin(START + timedelta(seconds=offset), 0, offset)
    return Incoming((tenant, document_id), revision, None, origin)
