"""Every statement of feedback uses its index on large tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from septet_feedback.adapters import postgres
from septet_kit.store.plans import Expected, faults_of, statements_of
from septet_kit.store.pool import StorePool
from septet_kit.store.testing import empty, loaded, schema_pool

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres

WEEK = timedelta(days=7)
LOAD = (
    """
    INSERT INTO shown (tenant, request_id, response_event_id, document_ids, shown_at)
    SELECT CASE WHEN n % 20 = 0 THEN 'small' ELSE 'big' END, 'r-' || n, 'e', '{}', now() - n * interval '31 seconds'
    FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO pending (tenant, request_id, feedback_id, body, received_at)
    SELECT 'big', 'r-' || n, 'f', 'b', now() - n * interval '31 seconds' FROM generate_series(1, 20000) n
    """,
)
EXPECTED = {
    "postgres._STORE": Expected(
        ("big", "r-7", None, "e", "q", "a", [], None, None, None, "big", "r-7"),
        frozenset({"pending_pkey"}),
        "big",
    ),
    "postgres._FIND": Expected(("big", "r-7"), frozenset({"shown_pkey"}), "big"),
    "postgres._WAIT": Expected(("big", "r-7", "f", b"b", None), tenant="big"),
    "postgres._DROP_UNMATCHED": Expected((WEEK,), frozenset({"pending_received_at"})),
    "postgres._DELETE_ANSWERS": Expected((WEEK,), frozenset({"shown_at"})),
    # Counts all waiting feedback, which `wait_for` bounds.
    "postgres._COUNT": Expected(whole=frozenset({"pending"})),
}
STATEMENTS = statements_of(postgres)


@pytest.fixture(scope="module")
async def grown(feedback_server: Postgres) -> AsyncIterator[StorePool]:
    """Tables of 20,000 rows."""
    async with schema_pool(feedback_server.dsn, feedback_server.dsn_of("feedback"), "feedback") as pool:
        await loaded(feedback_server.dsn, "feedback", LOAD)
        yield pool
    await empty(feedback_server.dsn, "feedback")


def test_every_statement_is_checked() -> None:
    assert set(STATEMENTS) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
async def test_each_statement_uses_its_index(grown: StorePool, name: str) -> None:
    assert await faults_of(grown, STATEMENTS[name], EXPECTED[name]) == []
