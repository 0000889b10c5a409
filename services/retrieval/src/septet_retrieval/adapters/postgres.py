"""Documents, passages and vectors on PostgreSQL with pgvector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from itertools import groupby

import asyncpg
import numpy as np
from pgvector import HalfVector
from septet_kit import Transient
from septet_kit.store.pool import StorePool

from septet_retrieval.adapters import rows
from septet_retrieval.domain.revisions import State
from septet_retrieval.ports import DocumentKey, DocumentPassages, DocumentWrite, Hit, Unchanged, Vector

_WRITE_LOCK = 7_370_738


def tables(dimensions: int) -> str:
    """The schema's tables, for vectors of ``dimensions``."""
    ddl = (files("septet_retrieval.adapters") / "tables.sql").read_text(encoding="utf-8")
    return ddl.replace("__DIMENSIONS__", str(dimensions))


class PostgresStore:
    """The source of truth. Sequences rise in the order of commits, so that readers can follow them."""

    def __init__(self, pool: StorePool, ef_search: int = 200) -> None:
        self._pool = pool
        self._ef_search = ef_search

    async def states(self, keys: Sequence[DocumentKey]) -> Mapping[DocumentKey, State]:
        async with self._pool.acquire() as connection:
            return await _states(connection, keys)

    async def vectors(self, tenant: str, model: str, text_hashes: Sequence[bytes]) -> Mapping[bytes, Vector]:
        found = await self._pool.fetch(rows.KNOWN_VECTORS, tenant, model, list(text_hashes))
        return {row["text_hash"]: row["embedding"].to_numpy().astype(np.float32) for row in found}

    async def write(self, writes: Sequence[DocumentWrite], model: str) -> Mapping[DocumentKey, State]:
        async with self._pool.acquire() as connection, connection.transaction():
            # Readers follow the sequence: one writer at a time keeps it in the order of commits.
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _WRITE_LOCK)
            keys = [write.key for write in writes]
            current = await _states(connection, keys)
            for write in writes:
                if current.get(write.key) != write.expected:
                    raise Transient("concurrent_change", f"document {write.key[1]} was changed meanwhile")
            await connection.executemany(rows.PUT_DOCUMENT, [rows.document_row(write) for write in writes])
            await connection.execute(rows.DROP_PASSAGES, *_columns(keys))
            passages = [row for write in writes for row in rows.passage_rows(write, model)]
            await connection.executemany(rows.PUT_PASSAGE, passages)
            return await _states(connection, keys)

    async def touch(self, unchanged: Sequence[Unchanged]) -> None:
        await self._pool.executemany(rows.TOUCH, map(rows.touch_row, unchanged))

    async def positions(self) -> Mapping[str, int]:
        found = await self._pool.fetch("SELECT tenant, max(sequence) AS last FROM documents GROUP BY tenant")
        return {row["tenant"]: row["last"] for row in found}

    async def changes(self, tenant: str, after: int, limit: int) -> Sequence[DocumentPassages]:
        found = await self._pool.fetch(rows.CHANGES, tenant, after, limit)
        return [
            DocumentPassages(
                document_id, sequence, [rows.to_passage(row) for row in group if row["passage_id"]]
            )
            for (sequence, document_id), group in groupby(
                found, key=lambda row: (row["sequence"], row["changed_id"])
            )
        ]

    async def nearest(self, tenant: str, model: str, vector: Vector, limit: int) -> list[Hit]:
        async with self._searching() as connection:
            found = await connection.fetch(rows.NEAREST, tenant, model, HalfVector(vector), limit)
        hits = [Hit(rows.to_passage(row), row["cosine"]) for row in found]
        # An iterative scan yields its results in relaxed order.
        return sorted(hits, key=lambda hit: -hit.score)

    async def cosines(self, tenant: str, passage_ids: Sequence[str], vector: Vector) -> Mapping[str, float]:
        found = await self._pool.fetch(rows.COSINES, tenant, list(passage_ids), HalfVector(vector))
        return {row["passage_id"]: row["cosine"] for row in found}

    @asynccontextmanager
    async def _searching(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction whose plans suit the tenant at hand.

        A generic plan ignores how few rows a tenant has, and without an iterative scan the tenant's filter
        is applied only to the first ``ef_search`` neighbours.
        """
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(
                "SET LOCAL hnsw.iterative_scan = relaxed_order;"
                "SET LOCAL plan_cache_mode = force_custom_plan;"
                f"SET LOCAL hnsw.ef_search = {self._ef_search:d}"
            )
            yield connection


async def _states(connection: asyncpg.Connection, keys: Sequence[DocumentKey]) -> dict[DocumentKey, State]:
    found = await connection.fetch(rows.STATES, *_columns(keys))
    return {(row["tenant"], row["document_id"]): rows.to_state(row) for row in found}


def _columns(keys: Sequence[DocumentKey]) -> tuple[list[str], list[str]]:
    return [tenant for tenant, _ in keys], [document_id for _, document_id in keys]
