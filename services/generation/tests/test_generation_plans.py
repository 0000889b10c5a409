"""Every SQL statement of generation uses its index on large tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from septet_generation.adapters import postgres
from septet_kit.store.plans import Expected, faults_of, statements_of
from septet_kit.store.pool import StorePool
from septet_kit.store.testing import empty, loaded, schema_pool

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres

LOAD = (
    """
    INSERT INTO stream_epochs (tenant, request_id, touched_at)
    SELECT CASE WHEN n % 20 = 0 THEN 'small' ELSE 'big' END, 'r-' || n, now() - n * interval '31 seconds'
    FROM generate_series(1, 20000) n
    """,
)
EXPECTED = {
    "postgres._NEXT": Expected(("big", "r-7"), tenant="big"),
    "postgres._PURGE": Expected((timedelta(days=7),), frozenset({"stream_epochs_touched_at"})),
}
STATEMENTS = statements_of(postgres)


@pytest.fixture(scope="module")
async def grown(generation_server: Postgres) -> AsyncIterator[StorePool]:
    """A table of 20,000 rows."""
    async with schema_pool(
        generation_server.dsn, generation_server.dsn_of("generation"), "generation"
    ) as pool:
        await loaded(generation_server.dsn, "generation", LOAD)
        yield pool
    await empty(generation_server.dsn, "generation")


def test_every_statement_is_checked() -> None:
    assert set(STATEMENTS) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
async def test_each_statement_uses_its_index(grown: StorePool, name: str) -> None:
    assert await faults_of(grown, STATEMENTS[name], EXPECTED[name]) == []
