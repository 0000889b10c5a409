"""A real Kafka with Septet's topics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from septet_kit.messaging.admin import ensure_topics
from septet_native.packages.cache import cache_root
from septet_native.processes.health import wait_healthy
from septet_native.processes.ports import free_port
from septet_native.processes.process import Process
from septet_native.servers.kafka import Kafka
from septet_native.servers.server import Places
from septet_native.stack.settings import StackSettings


@pytest.fixture(scope="session")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a broker for the whole test session."""
    places = Places(tmp_path_factory.mktemp("cli-kafka"), cache_root(None))
    server = Kafka(places, free_port(), free_port())
    await server.prepare(lambda _: None)
    process = await Process.spawn(server.command(), places.run)
    try:
        await wait_healthy(process, server.probe, StackSettings().start_timeout)
        await server.finish()
        address = f"127.0.0.1:{server.port}"
        await ensure_topics(address)
        yield address
    finally:
        await asyncio.shield(process.stop())
