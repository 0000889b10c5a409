"""A real PostgreSQL, and spans kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from septet_feedback.adapters.postgres import DDL, SCHEMA
from septet_kit import KitSettings
from septet_kit.store import open_pool
from septet_kit.store.pool import StorePool


@pytest.fixture(scope="session")
async def feedback_dsn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a PostgreSQL server that lives as long as the session."""
    native = pytest.importorskip("septet_native.postgres", reason="the embedded PostgreSQL is not installed")
    from septet_native.ports import free_port
    from septet_native.process import Process
    from septet_native.server import Places

    root: Path = tmp_path_factory.mktemp("feedback-postgres")
    server = native.Postgres(Places(data=root, cache=root), free_port())
    await server.prepare(lambda _: None)
    process = await Process.spawn(server.command(), root / "run")
    try:
        async with asyncio.timeout(30):
            while not await server.probe():  # noqa: ASYNC110 - readiness is asked for
                await asyncio.sleep(0.05)
        await server.finish()
        yield server.dsn
    finally:
        await process.stop()


@pytest.fixture
async def pool(feedback_dsn: str) -> AsyncIterator[StorePool]:
    """A pool on empty tables of the feedback schema."""
    settings = KitSettings(postgres_dsn=SecretStr(feedback_dsn), postgres_pool=10, instance="feedback-0")
    async with open_pool(settings, SCHEMA, DDL) as opened:
        await opened.execute("TRUNCATE shown, pending, inbox, outbox")
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
