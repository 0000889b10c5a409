"""Unit tests of eval: scorers and handlers, and the release on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.support.database import Database

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres


@pytest.fixture(scope="session")
async def database(postgres_server: Postgres) -> Database:
    """The schema of eval."""
    return await Database.migrated(postgres_server, "eval")


@pytest.fixture
async def eval_owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the schema's owner."""
    connection = await asyncpg.connect(database.owner_dsn)
    yield connection
    await connection.close()
