"""Unit tests of eval: scorers and handlers, and the release on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest
from septet_eval.adapters.postgres import PostgresRequestRegistry
from septet_eval.domain.caster import VERSIONS
from septet_eval.housekeeping import DeadlineSweeper
from septet_kit.store.pool import StorePool

from tests.support.database import Database

from .support import QUARTER, Handlers, Log

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


@pytest.fixture
def handlers(pool: StorePool) -> Handlers:
    return Handlers.on(pool)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def sweeper(pool: StorePool, log: Log) -> DeadlineSweeper:
    return DeadlineSweeper(PostgresRequestRegistry(pool, VERSIONS), log.publish, QUARTER, 100)
