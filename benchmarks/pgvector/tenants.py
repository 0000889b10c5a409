"""Recall and latency by tenant share of one index, with and without the settings of the retrieval service."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import numpy as np
from pgvector import HalfVector
from pgvector.asyncpg import register_vector
from pydantic import SecretStr
from septet_kit import KitSettings
from septet_kit.store import open_pool
from septet_kit.store.pool import StorePool
from septet_native.servers.postgres import Postgres
from septet_retrieval.adapters import rows
from septet_retrieval.adapters.postgres import PostgresStore

from benchmarks.pgvector.precision import TOP, nearest
from benchmarks.pgvector.server import Corpus, Vectors

SHARES = {"large": 0.945, "middle": 0.05, "small": 0.005}
MODEL, EF = "bench", 100
CUSTOM = "plan_cache_mode = force_custom_plan"
# Without a sort, only the vector index returns rows ordered by distance.
INDEX_ONLY = "enable_sort = off"
Search = Callable[[str, Vectors], Awaitable[list[str]]]


async def tenants(server: Postgres, data: Corpus) -> dict[str, Any]:
    """Recall and latency of each tenant for each kind of query."""
    owners = _owners(len(data.passages))
    await _load(server.dsn, data.passages, owners)
    settings = KitSettings(postgres_dsn=SecretStr(server.dsn_of("retrieval")), postgres_pool=1)
    result: dict[str, Any] = {}
    async with open_pool(settings, "retrieval") as pool:
        searches = {
            "generic plan": _with_settings(pool, "plan_cache_mode = force_generic_plan"),
            "vector index, one scan": _with_settings(pool, CUSTOM, INDEX_ONLY),
            "vector index, iterative scan": _with_settings(
                pool, CUSTOM, INDEX_ONLY, "hnsw.iterative_scan = relaxed_order"
            ),
            "as the service": _as_service(PostgresStore(pool, EF)),
        }
        for name, search in searches.items():
            result[name] = await _each(search, data, owners)
    superuser = KitSettings(postgres_dsn=SecretStr(server.dsn), postgres_pool=1)
    async with open_pool(superuser, "retrieval") as pool:
        result["as the service, without row-level security"] = await _each(
            _as_service(PostgresStore(pool, EF)), data, owners
        )
    return result


def _owners(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).choice(list(SHARES), size=count, p=list(SHARES.values()))


async def _load(dsn: str, passages: Vectors, owners: np.ndarray[Any, Any]) -> None:
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "retrieval, public"})
    await register_vector(connection, schema="public")
    for n, tenant in enumerate(SHARES, start=1):
        await connection.execute(
            "INSERT INTO documents VALUES ($1, 'd', $2, 1, 'h', NULL, 'created', 1, 1, now(), 0, 0)",
            tenant,
            n,
        )
    records = [
        (str(i), str(owners[i]), "d", "h", "", "", "", "", 0, 0, MODEL, i.to_bytes(4), HalfVector(vector))
        for i, vector in enumerate(passages)
    ]
    await connection.copy_records_to_table("passages", records=records)
    await connection.execute("ANALYZE")
    await connection.close()


def _with_settings(pool: StorePool, *settings: str) -> Search:
    async def search(tenant: str, question: Vectors) -> list[str]:
        async with pool.transaction(tenant, *settings, f"hnsw.ef_search = {EF}") as connection:
            found = await connection.fetch(rows.NEAREST, tenant, MODEL, HalfVector(question), TOP)
        return [row["passage_id"] for row in found]

    return search


def _as_service(store: PostgresStore) -> Search:
    async def search(tenant: str, question: Vectors) -> list[str]:
        return [hit.passage.passage_id for hit in await store.nearest(tenant, MODEL, question, TOP)]

    return search


async def _each(search: Search, data: Corpus, owners: np.ndarray[Any, Any]) -> dict[str, Any]:
    result = {}
    for tenant in SHARES:
        own = np.flatnonzero(owners == tenant)
        truth = [{str(own[i]) for i in best} for best in nearest(data.passages[own], data.questions)]
        hits, times = 0, []
        for question, wanted in zip(data.questions, truth, strict=True):
            began = time.perf_counter()
            found = await search(tenant, question)
            times.append((time.perf_counter() - began) * 1000)
            hits += len(wanted & set(found))
        result[tenant] = {
            "rows": len(own),
            "recall_at_10": round(hits / sum(map(len, truth)), 4),
            "p50_ms": round(statistics.median(times), 2),
        }
    return result
