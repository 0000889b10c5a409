"""Upgrades of eval's schema with data, while the previous version runs."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest
from septet_kit.migrate import Migrations, migrate

from tests.support.database import Database


async def test_the_previous_version_runs_on_the_schema_with_reported_at(
    database: Database, eval_owner: asyncpg.Connection
) -> None:
    """Its statements name ``told_at``; rows of both versions have the same time in both columns."""
    migrations = Migrations(f"m_{uuid4().hex[:8]}", "septet_eval.migrations")
    table = f"{migrations.schema}.conflicts"
    insert = f"INSERT INTO {table} (tenant, request_id, digest) VALUES ('acme', $1, 'd')"
    await migrate(database.owner_dsn, [migrations], "0002")
    await eval_owner.execute(
        f"INSERT INTO {table} (tenant, request_id, digest, told_at) VALUES ('acme', 'old', 'd', now() - interval '9 days')"
    )
    await migrate(database.owner_dsn, [migrations])
    await eval_owner.execute(insert, "new")
    rows = await eval_owner.fetch(
        f"SELECT request_id, reported_at - told_at < interval '1 second' AS same FROM {table} ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [("new", True), ("old", True)]
    for column, left in (("told_at", ["new"]), ("reported_at", ["new"])):
        await eval_owner.execute(f"DELETE FROM {table} WHERE {column} < now() - interval '8 days'")
        assert [
            row["request_id"] for row in await eval_owner.fetch(f"SELECT request_id FROM {table}")
        ] == left


async def test_the_state_cancelled_is_added_to_a_table_with_rows(
    database: Database, eval_owner: asyncpg.Connection
) -> None:
    migrations = Migrations(f"m_{uuid4().hex[:8]}", "septet_eval.migrations")
    insert = (
        f"INSERT INTO {migrations.schema}.requests (tenant, request_id, digest, state, accepted_at, deadline, expires_at) "
        "VALUES ('acme', $1, '', $2, now(), now(), now())"
    )
    await migrate(database.owner_dsn, [migrations], "0003")
    await eval_owner.execute(insert, "r-1", "pending")
    with pytest.raises(asyncpg.CheckViolationError):
        await eval_owner.execute(insert, "r-2", "cancelled")
    await migrate(database.owner_dsn, [migrations])
    await eval_owner.execute(insert, "r-2", "cancelled")
    with pytest.raises(asyncpg.CheckViolationError):
        await eval_owner.execute(insert, "r-3", "unknown")
