"""The cache, wired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from septet_kit import Kit, ServiceSpec, Stage, Transient, Wiring
from septet_kit.embeddings_client import Embedder
from septet_kit.observe import get_logger

from septet_cache import migrations
from septet_cache.adapters.postgres import PostgresEntries
from septet_cache.domain.second_opinion import calibrated_for, opinions
from septet_cache.handlers import Handlers
from septet_cache.lookup import Lookup
from septet_cache.ports import EntryStore
from septet_cache.settings import CacheSettings

SPEC = ServiceSpec(
    "cache",
    consumes=("screened", "releases", "documents-changed", "labels"),
    produces=("missed", "outcomes"),
    about="Serves answers that are safe to serve again, and forgets those that no longer are.",
)
log = get_logger()


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Put the cache together on the chassis."""
    settings = CacheSettings()
    opinions()  # a question must not wait for the models to be read
    async with (
        kit.open_pool("cache", migrations.HEAD) as pool,
        _embedder(kit) as embedder,
    ):
        store = PostgresEntries(pool, settings.embedding_dimensions)
        handlers = Handlers(Lookup(store, embedder, settings, _calibrated(embedder.model)), store, settings)

        async def ready() -> None:
            await pool.fetchval("SELECT 1")

        async def purge() -> None:
            await _purge_for_ever(store, settings)

        yield Wiring(
            stages=(
                Stage("screened", handlers.screened),
                Stage("releases", handlers.releases, concurrency=2, attempts=None),
                Stage(
                    "documents-changed",
                    handlers.documents_changed,
                    concurrency=1,
                    attempts=None,
                ),
                Stage("labels", handlers.labels, concurrency=1, attempts=None),
            ),
            background=(purge,),
            ready=(ready,),
        )


@asynccontextmanager
async def _embedder(kit: Kit) -> AsyncIterator[Embedder]:
    embedder = Embedder(kit.settings)
    try:
        yield embedder
    finally:
        await embedder.close()


def _calibrated(model: str) -> bool:
    """Similarities of another model mean something else; then only exact and key hits are served."""
    if model == calibrated_for():
        return True
    log.warning("semantic hits are off: not calibrated", model=model, calibrated_for=calibrated_for())
    return False


async def _purge_for_ever(store: EntryStore, settings: CacheSettings) -> None:
    while True:
        try:
            deleted = await store.purge(datetime.now(UTC) - settings.audit)
            log.debug("purged", entries=deleted)
        except Transient as error:
            log.warning("purge is put off", code=error.code)
        await asyncio.sleep(settings.purge_interval.total_seconds())
