"""Connects to a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from opensearchpy import AsyncOpenSearch

from septet_retrieval.adapters.opensearch.breaker import Breaker
from septet_retrieval.adapters.opensearch.calls import Calls
from septet_retrieval.adapters.opensearch.index import OpenSearchIndex
from septet_retrieval.adapters.opensearch.versions import Versions
from septet_retrieval.settings import OpenSearchSettings


@dataclass(frozen=True)
class Cluster:
    """A connected cluster."""

    calls: Calls
    versions: Versions
    settings: OpenSearchSettings

    def index(self, version: str | None = None) -> OpenSearchIndex:
        """Return the index behind the alias, or the given version."""
        return OpenSearchIndex(
            self.calls, self.versions, self.settings.search_timeout.total_seconds(), version
        )


@asynccontextmanager
async def connect(settings: OpenSearchSettings) -> AsyncIterator[Cluster]:
    """Create a client from the settings. The first call connects."""
    login = (
        (settings.user, settings.password.get_secret_value()) if settings.user and settings.password else None
    )
    client = AsyncOpenSearch(
        hosts=settings.hosts,
        http_auth=login,
        ca_certs=settings.ca_file and str(settings.ca_file),
        max_retries=0,
        timeout=settings.timeout.total_seconds(),
        maxsize=settings.connections,
    )
    calls = Calls(client, Breaker("opensearch", settings.breaker_failures, settings.breaker_pause))
    try:
        yield Cluster(calls, Versions(calls, settings), settings)
    finally:
        await client.close()


@asynccontextmanager
async def open_index(settings: OpenSearchSettings) -> AsyncIterator[OpenSearchIndex]:
    """Open the index behind the alias. The first successful call creates it if it is missing."""
    async with connect(settings) as cluster:
        yield cluster.index()
