"""``vector`` against ``halfvec``: size, build time, recall and latency of the same HNSW index."""

from __future__ import annotations

import statistics
import time
from typing import Any

import asyncpg
import numpy as np
from pgvector import HalfVector, Vector
from pgvector.asyncpg import register_vector

from benchmarks.pgvector.server import Corpus, Vectors

WIDTHS = {"vector": Vector, "halfvec": HalfVector}
BREADTHS = (40, 100, 200)
TOP = 10


async def precision(dsn: str, data: Corpus) -> dict[str, Any]:
    """Measure both types on the same passages; recall is relative to exact cosines in single precision."""
    truth = nearest(data.passages, data.questions)
    connection = await asyncpg.connect(dsn)
    await register_vector(connection, schema="public")
    # A cached plan would ignore the settings under comparison.
    await connection.execute("SET plan_cache_mode = force_custom_plan")
    try:
        return {kind: await _measure(connection, kind, data, truth) for kind in WIDTHS}
    finally:
        await connection.close()


def nearest(passages: Vectors, questions: Vectors) -> list[set[int]]:
    """Rows of the ``TOP`` passages with the highest cosine to each question."""
    return [set(np.argsort(-row, kind="stable")[:TOP].tolist()) for row in questions @ passages.T]


async def _measure(
    connection: asyncpg.Connection, kind: str, data: Corpus, truth: list[set[int]]
) -> dict[str, Any]:
    wrap, table = WIDTHS[kind], f"bench_{kind}"
    width = data.passages.shape[1]
    await connection.execute(
        f"CREATE TABLE {table} (id integer PRIMARY KEY, embedding {kind}({width}) NOT NULL)"
    )
    await connection.copy_records_to_table(
        table, records=[(i, wrap(v)) for i, v in enumerate(data.passages)], columns=("id", "embedding")
    )
    began = time.perf_counter()
    await connection.execute(
        f"CREATE INDEX {table}_hnsw ON {table} USING hnsw (embedding {kind}_cosine_ops) WITH (m = 16, ef_construction = 64)"
    )
    built = time.perf_counter() - began
    await connection.execute(f"ANALYZE {table}")
    query = f"SELECT id FROM {table} ORDER BY embedding <=> $1 LIMIT {TOP}"
    exact = await _ask(
        connection, query, [wrap(v) for v in data.questions], truth, "SET enable_indexscan = off"
    )
    await connection.execute("RESET enable_indexscan")
    return {
        "index_bytes": await connection.fetchval(f"SELECT pg_relation_size('{table}_hnsw')"),
        "table_bytes": await connection.fetchval(f"SELECT pg_table_size('{table}')"),
        "build_s": round(built, 1),
        "exact": exact,
        **{
            f"ef_{ef}": await _ask(
                connection, query, [wrap(v) for v in data.questions], truth, f"SET hnsw.ef_search = {ef}"
            )
            for ef in BREADTHS
        },
    }


async def _ask(
    connection: asyncpg.Connection, query: str, questions: list[Any], truth: list[set[int]], setting: str
) -> dict[str, float]:
    await connection.execute(setting)
    hits, times = 0, []
    for question, wanted in zip(questions, truth, strict=True):
        began = time.perf_counter()
        rows = await connection.fetch(query, question)
        times.append((time.perf_counter() - began) * 1000)
        hits += len(wanted & {r["id"] for r in rows})
    return {
        "recall_at_10": round(hits / (TOP * len(truth)), 4),
        "p50_ms": round(statistics.median(times), 2),
        "p95_ms": round(statistics.quantiles(times, n=20)[18], 2),
    }
