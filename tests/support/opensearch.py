"""A temporary index for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from septet_retrieval.adapters.opensearch.connect import Cluster, connect
from septet_retrieval.settings import OpenSearchSettings


@asynccontextmanager
async def temporary_cluster(**settings: Any) -> AsyncIterator[Cluster]:
    """Connect to the configured cluster with a unique alias; delete its versions at the end."""
    wanted = OpenSearchSettings(**{"index": f"septet-test-{uuid4().hex[:12]}", **settings})
    async with connect(wanted) as cluster:
        try:
            yield cluster
        finally:
            for version in await cluster.versions.all():
                await cluster.versions.drop(version)
            await cluster.versions.delete_template()
