"""A service's schema on the session's PostgreSQL server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from septet_kit.migrate import installed, migrate
from septet_kit.store.pool import StorePool
from septet_kit.store.testing import empty, loaded, schema_pool

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres


@dataclass(frozen=True)
class Database:
    """The migrated schema of one service.

    Attributes:
        schema: the service's name.
        owner_dsn: of the role that owns the schemas.
        service_dsn: of the service's role.
    """

    schema: str
    owner_dsn: str
    service_dsn: str

    @classmethod
    async def migrated(cls, server: Postgres, schema: str) -> Database:
        """Create the schema of a service on a server."""
        await migrate(server.dsn, installed([schema]))
        return cls(schema, server.dsn, server.dsn_of(schema))

    def pool(self) -> AbstractAsyncContextManager[StorePool]:
        """A pool on emptied tables, with the service's role."""
        return schema_pool(self.owner_dsn, self.service_dsn, self.schema)

    @asynccontextmanager
    async def grown(self, load: Iterable[str]) -> AsyncIterator[StorePool]:
        """A pool on tables that the statements have filled; they are empty again afterwards."""
        async with self.pool() as pool:
            await loaded(self.owner_dsn, self.schema, load)
            yield pool
        await empty(self.owner_dsn, self.schema)


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[StorePool]:
    """A pool on empty tables, with the service's role. Each service's conftest.py defines ``database``."""
    async with database.pool() as opened:
        yield opened


@pytest.fixture(scope="class")
async def grown(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[StorePool]:
    """A pool on large tables, which the statements in ``load`` of the test's class fill."""
    async with database.grown(request.cls.load) as opened:
        yield opened
