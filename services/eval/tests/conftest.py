"""A real PostgreSQL for the tests of release: one server per session, one clean schema per test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from septet_eval.adapters.postgres import DDL, SCHEMA
from septet_kit import KitSettings
from septet_kit.store import open_pool
from septet_kit.store.pool import StorePool

native = pytest.importorskip("septet_native.postgres", reason="the embedded PostgreSQL is not installed")


@pytest.fixture(scope="session")
async def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a server that lives as long as the session."""
    from septet_native.ports import free_port
    from septet_native.process import Process
    from septet_native.server import Places

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
        yield server.dsn
    finally:
        await process.stop()


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[StorePool]:
    """A pool on empty tables."""
    settings = KitSettings(postgres_dsn=SecretStr(postgres_dsn), postgres_pool=10, instance="eval-0")
    async with open_pool(settings, SCHEMA, DDL) as opened:
        await opened.execute("TRUNCATE requests, conflicts, inbox, outbox")
        yield opened
