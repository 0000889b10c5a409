"""A PostgreSQL server, and an in-memory exporter of spans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from septet_kit.migrate import installed, migrate
from septet_kit.store.pool import StorePool
from septet_kit.store.testing import schema_pool

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres


@pytest.fixture(scope="session")
async def feedback_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A PostgreSQL server that lives as long as the session."""
    native = pytest.importorskip(
        "septet_native.servers.postgres", reason="the embedded PostgreSQL is not installed"
    )
    from septet_native.processes.ports import free_port
    from septet_native.processes.process import Process
    from septet_native.servers.server import Places

    root: Path = tmp_path_factory.mktemp("feedback-postgres")
    server = native.Postgres(Places(data=root, cache=root), free_port())
    await server.prepare(lambda _: None)
    process = await Process.spawn(server.command(), root / "run")
    try:
        async with asyncio.timeout(30):
            while not await server.probe():  # noqa: ASYNC110 - readiness is asked for
                await asyncio.sleep(0.05)
        await server.finish()
        await migrate(server.dsn, installed(["feedback"]))
        yield server
    finally:
        await process.stop()


@pytest.fixture
async def pool(feedback_server: Postgres) -> AsyncIterator[StorePool]:
    """A pool on empty tables, as the service's own role."""
    async with schema_pool(feedback_server.dsn, feedback_server.dsn_of("feedback"), "feedback") as opened:
        yield opened


@pytest.fixture(scope="session")
def _exporter() -> InMemorySpanExporter:
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def spans(_exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    """The spans that ended during the test."""
    _exporter.clear()
    yield _exporter
    _exporter.clear()
