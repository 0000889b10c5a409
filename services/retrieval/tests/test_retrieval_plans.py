"""Every SQL statement of retrieval uses its index on large tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pgvector import HalfVector
from septet_kit.store.plans import Expected, faults_of, statements_of
from septet_kit.store.pool import StorePool
from septet_kit.store.testing import empty, loaded, schema_pool
from septet_retrieval.adapters import rows

from tests.support.retrieval import DIMENSIONS

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres

NOW = datetime.now(UTC)
VECTOR = HalfVector(np.full(DIMENSIONS, 0.125, dtype=np.float32))
LOAD = (
    """
    INSERT INTO documents (tenant, document_id, sequence, change, passages, embedded, origin_at, origin_partition,
                           origin_offset)
    SELECT CASE WHEN n % 50 = 0 THEN 'small' ELSE 'big' END, 'd-' || n, n, 'created', 2, 2, now(), 0, n
    FROM generate_series(1, 4000) n
    """,
    f"""
    INSERT INTO passages
    SELECT 'p-' || n || '.' || part, CASE WHEN n % 50 = 0 THEN 'small' ELSE 'big' END, 'd-' || n, 'h', 't', '', '',
           'text', 0, 4, 'm', sha256((n * 2 + part)::text::bytea),
           (SELECT array_agg(sin(n * i + part)) FROM generate_series(1, {DIMENSIONS}) i)::halfvec
    FROM generate_series(1, 4000) n, generate_series(0, 1) part
    """,
)


def expect(*indexes: str, args: tuple[object, ...], tenant: str = "big", generic: bool = True) -> Expected:
    return Expected(args, frozenset(indexes), tenant, generic=generic)


EXPECTED = {
    "LOCK_WRITES": [expect(args=(1,))],
    "STATES": [expect("documents_pkey", args=("big", ["d-7"]))],
    "POSITIONS": [expect("documents_sequence", args=(), tenant="*")],
    "PUT_DOCUMENT": [expect(args=("big", "d-7", 1, "h", "changed", 1, 1, NOW, 0, 1))],
    "DROP_PASSAGES": [expect("passages_document", args=("big", ["d-7"]))],
    "PUT_PASSAGE": [
        expect(args=("p", "big", "d-7", "h", "", "", "", "", 0, 1, "m", b"x", VECTOR)),
    ],
    "TOUCH": [expect("documents_pkey", args=("big", "d-7", 1, NOW, 0, 1))],
    "KNOWN_VECTORS": [expect("passages_text_hash", args=("big", "m", [b"x"]))],
    "CHANGES": [expect("documents_sequence", "passages_document", args=("big", 3990, 50))],
    "PENDING": [expect("documents_sequence", args=("big", 3990))],
    # A large tenant uses the vector index; a small one is searched exactly.
    "NEAREST": [
        expect("passages_embedding", args=("big", "m", VECTOR, 10), generic=False),
        expect("passages_document", args=("small", "m", VECTOR, 10), tenant="small", generic=False),
    ],
    "COSINES": [expect("passages_pkey", args=("big", ["p-7.0"], VECTOR))],
}
STATEMENTS = {name.removeprefix("rows."): text for name, text in statements_of(rows).items()}


@pytest.fixture(scope="module")
async def grown(retrieval_server: Postgres) -> AsyncIterator[StorePool]:
    """4,000 documents; one in fifty belongs to a small tenant."""
    dsn = retrieval_server.dsn
    async with schema_pool(dsn, retrieval_server.dsn_of("retrieval"), "retrieval") as pool:
        await loaded(dsn, "retrieval", LOAD)
        yield pool
    await empty(dsn, "retrieval")


def test_every_statement_is_checked() -> None:
    assert set(STATEMENTS) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
async def test_each_statement_uses_its_index(grown: StorePool, name: str) -> None:
    settings = rows.PLAN_FOR_TENANT if name == "NEAREST" else ()
    for expected in EXPECTED[name]:
        assert await faults_of(grown, STATEMENTS[name], expected, *settings) == []
