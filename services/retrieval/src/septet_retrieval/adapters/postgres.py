"""Documents, passages and vectors on PostgreSQL with pgvector."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import groupby

import asyncpg
import numpy as np
from pgvector import HalfVector
from septet_kit import Transient
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS, NO_TENANT, set_tenant

from septet_retrieval.adapters import rows
from septet_retrieval.domain.revisions import State
from septet_retrieval.ports import (
    DocumentKey,
    DocumentPassages,
    DocumentWrite,
    LazyHit,
    StalePassage,
    Unchanged,
    Vector,
)

_WRITE_LOCK = 7_370_738


class PostgresStore:
    """The source of truth. Sequences are in commit order, so that readers can follow them."""

    def __init__(self, pool: StorePool, ef_search: int = 200) -> None:
        self._pool = pool
        self._ef_search = ef_search

    async def states(self, keys: Sequence[DocumentKey]) -> Mapping[DocumentKey, State]:
        found: dict[DocumentKey, State] = {}
        for tenant, document_ids in _by_tenant(keys).items():
            async with self._pool.acquire(tenant) as connection:
                found |= await _states(connection, tenant, document_ids)
        return found

    async def vectors(self, tenant: str, model: str, text_hashes: Sequence[bytes]) -> Mapping[bytes, Vector]:
        found = await self._pool.fetch(rows.KNOWN_VECTORS, tenant, model, list(text_hashes), tenant=tenant)
        return {row["text_hash"]: row["embedding"].to_numpy().astype(np.float32) for row in found}

    async def write(self, writes: Sequence[DocumentWrite], model: str) -> Mapping[DocumentKey, State]:
        by_tenant: dict[str, list[DocumentWrite]] = defaultdict(list)
        for write in writes:
            by_tenant[write.key[0]].append(write)
        written: dict[DocumentKey, State] = {}
        async with self._pool.transaction(NO_TENANT) as connection:
            # Readers follow the sequence: a single writer at a time keeps it in commit order.
            await connection.execute(rows.LOCK_WRITES, _WRITE_LOCK)
            for tenant, own in by_tenant.items():
                await connection.execute(set_tenant(tenant, local=True))
                written |= await _write(connection, tenant, own, model)
        return written

    async def touch(self, unchanged: Sequence[Unchanged]) -> None:
        by_tenant: dict[str, list[Unchanged]] = defaultdict(list)
        for each in unchanged:
            by_tenant[each.key[0]].append(each)
        for tenant, own in by_tenant.items():
            await self._pool.executemany(rows.TOUCH, map(rows.touch_row, own), tenant=tenant)

    async def positions(self) -> Mapping[str, int]:
        found = await self._pool.fetch(rows.POSITIONS, tenant=ALL_TENANTS)
        return {row["tenant"]: row["last"] for row in found}

    async def changes(self, tenant: str, after: int, limit: int) -> Sequence[DocumentPassages]:
        found = await self._pool.fetch(rows.CHANGES, tenant, after, limit, tenant=tenant)
        return [
            DocumentPassages(
                document_id, sequence, [rows.to_passage(row) for row in group if row["passage_id"]]
            )
            for (sequence, document_id), group in groupby(
                found, key=lambda row: (row["sequence"], row["changed_id"])
            )
        ]

    async def pending(self, tenant: str, after: int) -> int:
        return int(await self._pool.fetchval(rows.PENDING, tenant, after, tenant=tenant))

    async def nearest(self, tenant: str, model: str, vector: Vector, limit: int) -> list[LazyHit]:
        async with self._pool.transaction(
            tenant, *rows.PLAN_FOR_TENANT, f"hnsw.ef_search = {self._ef_search:d}"
        ) as connection:
            found = await connection.fetch(rows.NEAREST, tenant, model, HalfVector(vector), limit)
        hits = [LazyHit(row["passage_id"], row["cosine"], partial(rows.to_passage, row)) for row in found]
        # An iterative scan returns its results in approximate order.
        return sorted(hits, key=lambda hit: -hit.score)

    async def cosines(
        self, tenant: str, model: str, passage_ids: Sequence[str], vector: Vector
    ) -> Mapping[str, float]:
        found = await self._pool.fetch(
            rows.COSINES, tenant, model, list(passage_ids), HalfVector(vector), tenant=tenant
        )
        return {row["passage_id"]: row["cosine"] for row in found}

    async def of_other_models(
        self, tenant: str, model: str, limit: int, without: Sequence[bytes] = ()
    ) -> Sequence[StalePassage]:
        found = await self._pool.fetch(
            rows.OF_OTHER_MODELS, tenant, model, limit, list(without), tenant=tenant
        )
        return [StalePassage(rows.to_passage(row), row["text_hash"]) for row in found]

    async def replace_vectors(
        self, tenant: str, model: str, passages: Sequence[StalePassage], vectors: Sequence[Vector]
    ) -> None:
        changes = [
            (tenant, stale.passage.passage_id, stale.text_hash, model, HalfVector(vector))
            for stale, vector in zip(passages, vectors, strict=True)
        ]
        await self._pool.executemany(rows.REPLACE_VECTOR, changes, tenant=tenant)

    async def other_models_in_use(self, model: str, within: timedelta) -> Sequence[str]:
        await self._pool.execute(rows.USE_MODEL, model)
        found = await self._pool.fetch(rows.OTHER_MODELS_IN_USE, model, within)
        return [row["model"] for row in found]


async def _write(
    connection: asyncpg.Connection, tenant: str, writes: Sequence[DocumentWrite], model: str
) -> dict[DocumentKey, State]:
    document_ids = [write.key[1] for write in writes]
    current = await _states(connection, tenant, document_ids)
    for write in writes:
        if current.get(write.key) != write.expected:
            raise Transient("concurrent_change", f"document {write.key[1]} changed concurrently")
    await connection.executemany(rows.PUT_DOCUMENT, [rows.document_row(write) for write in writes])
    await connection.execute(rows.DROP_PASSAGES, tenant, document_ids)
    passages = [row for write in writes for row in rows.passage_rows(write, model)]
    await connection.executemany(rows.PUT_PASSAGE, passages)
    return await _states(connection, tenant, document_ids)


async def _states(
    connection: asyncpg.Connection, tenant: str, document_ids: Sequence[str]
) -> dict[DocumentKey, State]:
    found = await connection.fetch(rows.STATES, tenant, list(document_ids))
    return {(row["tenant"], row["document_id"]): rows.to_state(row) for row in found}


def _by_tenant(keys: Sequence[DocumentKey]) -> dict[str, list[str]]:
    """Return the document ids of each tenant."""
    found: dict[str, list[str]] = defaultdict(list)
    for tenant, document_id in keys:
        found[tenant].append(document_id)
    return found
