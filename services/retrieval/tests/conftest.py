"""Unit tests of retrieval: its domain and handlers, and its adapters on tantivy, PostgreSQL and OpenSearch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from septet_kit.store.pool import StorePool
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.housekeeping import IndexFollower

from tests.support.database import Database
from tests.support.retrieval import DIMENSIONS, WordEmbedder

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture(scope="session")
async def database(postgres_server: Postgres) -> Database:
    """The schema of retrieval, for the vectors of :class:`WordEmbedder`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEPTET_RETRIEVAL_DIMENSIONS", str(DIMENSIONS))
        return await Database.migrated(postgres_server, "retrieval")


@pytest.fixture
def store(pool: StorePool) -> PostgresStore:
    return PostgresStore(pool)


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
