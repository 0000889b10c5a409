"""A PostgreSQL server per session, and an embedder with known vectors."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from septet_kit.migrate import installed, migrate
from septet_kit.store.pool import StorePool
from septet_kit.store.testing import schema_pool

from .harness import Cache

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres

DIMENSIONS = 384


class HashingEmbedder:
    """Embeds a text by its hashed words, independent of their order. Similar texts get similar vectors."""

    model = "all-MiniLM-L6-v2"

    def __init__(self) -> None:
        self.calls = 0

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls += 1
        return np.stack([self._one(t) for t in texts])

    def _one(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(DIMENSIONS, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            vector[int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) % DIMENSIONS] += 1
        return vector / np.float32(max(1e-9, float(np.linalg.norm(vector))))


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def cache(embedder: HashingEmbedder) -> Cache:
    return Cache(embedder)


@pytest.fixture(scope="session")
async def cache_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A PostgreSQL server that lives as long as the session."""
    native = pytest.importorskip(
        "septet_native.servers.postgres", reason="the embedded PostgreSQL is not installed"
    )
    from septet_native.processes.ports import free_port
    from septet_native.processes.process import Process
    from septet_native.servers.server import Places

    root: Path = tmp_path_factory.mktemp("cache-postgres")
    server = native.Postgres(Places(data=root, cache=root), free_port())
    await server.prepare(lambda _: None)
    process = await Process.spawn(server.command(), root / "run")
    try:
        for _ in range(600):
            if await server.probe():
                break
            await asyncio.sleep(0.05)
        await server.finish()
        await migrate(server.dsn, installed(["cache"]))
        yield server
    finally:
        await process.stop()


@pytest.fixture
async def cache_pool(cache_server: Postgres) -> AsyncIterator[StorePool]:
    """A pool on empty tables, with the role of the service."""
    async with schema_pool(cache_server.dsn, cache_server.dsn_of("cache"), "cache") as opened:
        yield opened
