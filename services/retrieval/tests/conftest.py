"""Fixtures: a PostgreSQL server, a tantivy index, and a deterministic embedder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from septet_kit.migrate import installed, migrate
from septet_kit.store.pool import StorePool
from septet_kit.store.testing import schema_pool
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.housekeeping import IndexFollower

from tests.support.retrieval import DIMENSIONS, WordEmbedder

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture(scope="session")
async def retrieval_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A PostgreSQL server that lives as long as the session."""
    native = pytest.importorskip(
        "septet_native.servers.postgres", reason="the embedded PostgreSQL is not installed"
    )
    from septet_native.processes.ports import free_port
    from septet_native.processes.process import Process
    from septet_native.servers.server import Places

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
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SEPTET_RETRIEVAL_DIMENSIONS", str(DIMENSIONS))
            await migrate(server.dsn, installed(["retrieval"]))
        yield server
    finally:
        await process.stop()


@pytest.fixture
async def retrieval_pool(retrieval_server: Postgres) -> AsyncIterator[StorePool]:
    """A pool on empty tables, with the service's role."""
    async with schema_pool(retrieval_server.dsn, retrieval_server.dsn_of("retrieval"), "retrieval") as opened:
        yield opened


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
