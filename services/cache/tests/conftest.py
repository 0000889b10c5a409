"""A real PostgreSQL, one server per session, and an embedder whose vectors are known."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr
from septet_cache.adapters.postgres import schema
from septet_kit import KitSettings
from septet_kit.store import open_pool
from septet_kit.store.pool import StorePool

DIMENSIONS = 384


class HashingEmbedder:
    """Embeds by hashed words, whatever their order: near texts get near vectors, with no model to load."""

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


@pytest.fixture(scope="session")
async def cache_dsn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a server that lives as long as the session."""
    native = pytest.importorskip("septet_native.postgres", reason="the embedded PostgreSQL is not installed")
    from septet_native.ports import free_port
    from septet_native.process import Process
    from septet_native.server import Places

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
        yield server.dsn
    finally:
        await process.stop()


@pytest.fixture
async def cache_pool(cache_dsn: str) -> AsyncIterator[StorePool]:
    """A pool on empty tables."""
    settings = KitSettings(postgres_dsn=SecretStr(cache_dsn), postgres_pool=6, instance="cache-0")
    async with open_pool(settings, "cache", schema(DIMENSIONS)) as pool:
        await pool.execute("TRUNCATE entries, lineage, documents, vetoes, inbox, outbox")
        yield pool
