"""A real PostgreSQL, a real tantivy index, and an embedder whose vectors are known."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr
from septet_kit import KitSettings, Transient
from septet_kit.store import open_pool
from septet_kit.store.pool import StorePool
from septet_retrieval.adapters.postgres import PostgresStore, tables
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.domain.chunking import Limits
from septet_retrieval.domain.passages import Document, to_passages
from septet_retrieval.domain.revisions import Origin
from septet_retrieval.follower import IndexFollower
from septet_retrieval.ingest import Incoming, Ingestor

DIMENSIONS = 64
START = datetime(2026, 1, 1, tzinfo=UTC)


class WordEmbedder:
    """Embeds by hashed words, so that texts that share words are near; ``down`` makes it fail."""

    model = "words"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.down = False

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.down:
            raise Transient("embeddings_unavailable", "down")
        self.texts += texts
        return np.stack([self._one(text) for text in texts])

    def _one(self, text: str) -> NDArray[np.float32]:
        vector = np.full(DIMENSIONS, 0.01, dtype=np.float32)
        for word in text.lower().split():
            vector[int(hashlib.sha256(word.strip(".,?:").encode()).hexdigest()[:8], 16) % DIMENSIONS] += 1
        return vector / np.float32(np.linalg.norm(vector))


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture(scope="session")
async def retrieval_dsn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a server that lives as long as the session."""
    native = pytest.importorskip("septet_native.postgres", reason="the embedded PostgreSQL is not installed")
    from septet_native.ports import free_port
    from septet_native.process import Process
    from septet_native.server import Places

    root: Path = tmp_path_factory.mktemp("retrieval-postgres")
    server = native.Postgres(Places(data=root, cache=root), free_port())
    await server.prepare(lambda _: None)
    process = await Process.spawn(server.command(), root / "run")
    try:
        for _ in range(600):
            if await server.probe():
                break
            await asyncio.sleep(0.05)
        await server.finish()
        yield server.dsn
    finally:
        await process.stop()


@pytest.fixture
async def retrieval_pool(retrieval_dsn: str) -> AsyncIterator[StorePool]:
    """A pool on empty tables."""
    settings = KitSettings(postgres_dsn=SecretStr(retrieval_dsn), postgres_pool=6, instance="retrieval-0")
    async with open_pool(settings, "retrieval", tables(DIMENSIONS)) as pool:
        await pool.execute("TRUNCATE documents, passages")
        yield pool


@pytest.fixture
def store(retrieval_pool: StorePool) -> PostgresStore:
    return PostgresStore(retrieval_pool)


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[TantivyIndex]:
    made = TantivyIndex(tmp_path / "tantivy")
    yield made
    await made.close()


@pytest.fixture
def follower(store: PostgresStore, index: TantivyIndex) -> IndexFollower:
    return IndexFollower(store, index, timedelta(seconds=1))


@pytest.fixture
def ingestor(store: PostgresStore, embedder: WordEmbedder, follower: IndexFollower) -> Ingestor:
    return Ingestor(store, embedder, follower, batch=16)


def upsert(
    document_id: str, text: str, offset: int, *, revision: int | None = None, tenant: str = "default",
    title: str = "",
) -> Incoming:  # fmt: skip
    """A document event from partition 0 at ``offset``."""
    document = Document(tenant, document_id, text, title=title)
    origin = Origin(START + timedelta(seconds=offset), 0, offset)
    passages = to_passages(document, Limits())
    return Incoming((tenant, document_id), revision, document.content_hash, origin, passages)


def delete(
    document_id: str, offset: int, *, revision: int | None = None, tenant: str = "default"
) -> Incoming:
    """A deletion from partition 0 at ``offset``."""
    origin = Origin(START + timedelta(seconds=offset), 0, offset)
    return Incoming((tenant, document_id), revision, None, origin)
