"""Unit tests of feedback: its handlers, their spans, and its adapters on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support.database import Database

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres


@pytest.fixture(scope="session")
async def database(postgres_server: Postgres) -> Database:
    """The schema of feedback."""
    return await Database.migrated(postgres_server, "feedback")


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
