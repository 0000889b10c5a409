"""Unit tests of the cache: its domain and handlers, and its adapters on PostgreSQL."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from septet_kit.embedding_models import DEFAULT, TextKind

from tests.support.database import Database

from .harness import Cache

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres

DIMENSIONS = 384


class HashingEmbedder:
    """Embeds a text by its hashed words, independent of their order. Similar texts get similar vectors.

    As with the default model, all cosines are high: half of each vector's squared norm is common to all texts.
    """

    model = DEFAULT

    def __init__(self) -> None:
        self.calls = 0

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        self.calls += 1
        return np.stack([self._one(t) for t in texts])

    def _one(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(DIMENSIONS, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            vector[int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) % DIMENSIONS] += 1
        vector[0] = np.linalg.norm(vector)
        return vector / np.float32(max(1e-9, float(np.linalg.norm(vector))))


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def cache(embedder: HashingEmbedder) -> Cache:
    return Cache(embedder)


@pytest.fixture(scope="session")
async def database(postgres_server: Postgres) -> Database:
    """The schema of the cache."""
    return await Database.migrated(postgres_server, "cache")
