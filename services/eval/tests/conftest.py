"""A PostgreSQL server for the tests of release: one server per session, one clean schema per test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from septet_kit.migrate import installed, migrate
from septet_kit.store.pool import StorePool
from septet_kit.store.testing import schema_pool

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres

native = pytest.importorskip(
    "septet_native.servers.postgres", reason="the embedded PostgreSQL is not installed"
)


@pytest.fixture(scope="session")
async def eval_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A PostgreSQL server that lives as long as the session."""
    from septet_native.processes.ports import free_port
    from septet_native.processes.process import Process
    from septet_native.servers.server import Places

    root: Path = tmp_path_factory.mktemp("eval-postgres")
    server = native.Postgres(Places(data=root, cache=root), free_port())
    await server.prepare(lambda _: None)
    process = await Process.spawn(server.command(), root / "run")
    try:
        for _ in range(600):
            if await server.probe():
                break
            await asyncio.sleep(0.05)
        await server.finish()
        await migrate(server.dsn, installed(["eval"]))
        yield server
    finally:
        await process.stop()


@pytest.fixture
async def eval_owner(eval_server: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the schema's owner."""
    connection = await asyncpg.connect(eval_server.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def pool(eval_server: Postgres) -> AsyncIterator[StorePool]:
    """A pool on empty tables, as the service's own role."""
    async with schema_pool(eval_server.dsn, eval_server.dsn_of("eval"), "eval") as opened:
        yield opened
