"""Connecting to a cluster."""

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
        """The index behind the alias, or one version of it."""
        return OpenSearchIndex(
            self.calls, self.versions, self.settings.search_timeout.total_seconds(), version
        )


@asynccontextmanager
async def connect(settings: OpenSearchSettings) -> AsyncIterator[Cluster]:
    """A client with the settings' pool, login and time limits; nothing is sent yet."""
    login = (
        (settings.user, settings.password.get_secret_value()) if settings.user and settings.password else None
    )
    client = AsyncOpenSearch(
        hosts=settings.hosts, http_auth=login, ca_certs=settings.ca_file and str(settings.ca_file),
        max_retries=0, timeout=settings.timeout.total_seconds(), maxsize=settings.connections,
    )  # fmt: skip
    calls = Calls(client, Breaker("opensearch", settings.breaker_failures, settings.breaker_pause))
    try:
        yield Cluster(calls, Versions(calls, settings), settings)
    finally:
        await client.close()


@asynccontextmanager
async def open_index(settings: OpenSearchSettings) -> AsyncIterator[OpenSearchIndex]:
    """The index behind the alias. It is created with the first call that finds the server there."""
    async with connect(settings) as cluster:
        yield cluster.index()
