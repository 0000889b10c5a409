"""The corpus in Septet's database: the same passages and vectors for every peer."""

from __future__ import annotations

import asyncpg
import numpy as np
from numpy.typing import NDArray
from pgvector.asyncpg import register_vector
from septet_contracts import Passage
from septet_kit.store.tenancy import set_tenant
from septet_retrieval.adapters import rows
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.domain.passages import IndexedPassage
from septet_retrieval.ports import DocumentPassages

TENANT = "default"
_READ = "SELECT * FROM retrieval.passages WHERE tenant = $1 ORDER BY document_id, starts"

Stored = tuple[IndexedPassage, NDArray[np.float32]]


async def read(dsn: str) -> list[Stored]:
    """Read all passages of the default tenant with their vectors, in a fixed order.

    Raises:
        RuntimeError: there are none.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await register_vector(connection, schema="public")
        await connection.execute(set_tenant(TENANT, local=False))
        found = await connection.fetch(_READ, TENANT)
    finally:
        await connection.close()
    if not found:
        raise RuntimeError("the corpus is empty; ingest it before starting a peer")
    return [(rows.to_passage(row), row["embedding"].to_numpy().astype(np.float32)) for row in found]


async def fill(index: TantivyIndex, passages: list[IndexedPassage]) -> None:
    """Add the passages to the lexical index."""
    by_document: dict[str, list[IndexedPassage]] = {}
    for passage in passages:
        by_document.setdefault(passage.document_id, []).append(passage)
    changes = [
        DocumentPassages(name, number, held) for number, (name, held) in enumerate(by_document.items(), 1)
    ]
    await index.apply(TENANT, changes, len(changes))


def found(passage: IndexedPassage, score: float, similarity: float | None) -> Passage:
    """The record of a retrieved passage for the next steps, built only for the passages that are kept."""
    return Passage.model_construct(
        passage_id=passage.passage_id,
        document_id=passage.document_id,
        content_hash=passage.content_hash,
        title=passage.title,
        location=passage.location,
        uri=passage.uri,
        text=passage.text,
        start=passage.start,
        end=passage.end,
        score=score,
        similarity=similarity,
    )


def questions(passages: list[IndexedPassage], number: int) -> list[str]:
    """Questions about the first documents, for the warm-up."""
    titles = dict.fromkeys(passage.title for passage in passages if passage.title)
    return [f"What does {title} do?" for title in list(titles)[:number]]
