"""Servers that the tests of all packages share, and how a test starts one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres
    from septet_native.servers.server import Places, Server


@asynccontextmanager
async def served(server: Server, places: Places) -> AsyncIterator[None]:
    """Run a server until the caller leaves."""
    from septet_native.processes.health import wait_healthy
    from septet_native.processes.process import Process
    from septet_native.stack.settings import StackSettings

    await server.prepare(lambda _: None)
    process = await Process.spawn(server.command(), places.run)
    try:
        await wait_healthy(process, server.probe, StackSettings().start_timeout)
        await server.finish()
        yield
    finally:
        await asyncio.shield(process.stop())


@pytest.fixture(scope="session")
async def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A PostgreSQL server without schemas, for the whole session."""
    native = pytest.importorskip(
        "septet_native.servers.postgres", reason="the embedded PostgreSQL is not installed"
    )
    from septet_native.processes.ports import free_port
    from septet_native.servers.server import Places

    root = tmp_path_factory.mktemp("postgres")
    places = Places(data=root, cache=root)
    server: Postgres = native.Postgres(places, free_port())
    async with served(server, places):
        yield server


@pytest.fixture(scope="session")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a Kafka broker with Septet's topics, for the whole session."""
    from septet_kit.messaging.admin import ensure_topics
    from septet_native.packages.cache import cache_root
    from septet_native.processes.ports import free_port
    from septet_native.servers.kafka import Kafka
    from septet_native.servers.server import Places

    places = Places(tmp_path_factory.mktemp("kafka"), cache_root(None))
    server = Kafka(places, free_port(), free_port())
    async with served(server, places):
        address = f"127.0.0.1:{server.port}"
        await ensure_topics(address)
        yield address
