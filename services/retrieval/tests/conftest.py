"""A real PostgreSQL, a real tantivy index, and an embedder whose vectors are known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from septet_kit import KitSettings
from septet_kit.store import open_pool
from septet_kit.store.pool import StorePool
from septet_retrieval.adapters.postgres import PostgresStore, tables
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.follower import IndexFollower
from septet_retrieval.ingest import Ingestor
from septet_retrieval.testing import DIMENSIONS, WordEmbedder


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
