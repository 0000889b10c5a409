"""Wiring of the cache."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from septet_kit import Kit, ServiceSpec, Stage, Wiring
from septet_kit.calibration import values_of
from septet_kit.embedding_models import base_name
from septet_kit.embeddings_client import Embedder
from septet_kit.observe import get_logger

from septet_cache import migrations
from septet_cache.adapters.postgres import PostgresEntries
from septet_cache.application.admission import Admission
from septet_cache.application.lookup import Lookup
from septet_cache.application.revocation import Revocation
from septet_cache.domain.classifier import FittedClassifiers, calibrated_for, classifiers
from septet_cache.handlers import DocumentsChangedHandler, LabelsHandler, ReleasesHandler, ScreenedHandler
from septet_cache.housekeeping import purge_periodically
from septet_cache.settings import CacheSettings

SPEC = ServiceSpec(
    "cache",
    consumes=("screened", "releases", "documents-changed", "labels"),
    produces=("missed", "outcomes"),
    about="Serves stored answers to questions with the same meaning; revokes answers that are no longer valid.",
)
log = get_logger()


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Open the store and the embeddings client, and build the stages."""
    settings = CacheSettings()
    classifiers()  # Loaded here, so that the first lookup does not wait for it.
    fitted = values_of(kit.settings, "cache", FittedClassifiers)
    async with (
        kit.open_pool("cache", migrations.HEAD) as pool,
        _embedder(kit) as embedder,
    ):
        store = PostgresEntries(pool, settings.embedding_dimensions)
        calibrated = fitted is not None or _is_calibrated(embedder.model)
        lookup = Lookup(store, embedder, settings, calibrated, fitted.models if fitted else None)
        admission, revocation = Admission(store, settings), Revocation(store)

        async def ready() -> None:
            await pool.fetchval("SELECT 1")

        async def purge() -> None:
            await purge_periodically(store, settings)

        yield Wiring(
            stages=(
                Stage("screened", ScreenedHandler(lookup)),
                Stage("releases", ReleasesHandler(admission), concurrency=2, attempts=None),
                Stage("documents-changed", DocumentsChangedHandler(revocation), concurrency=1, attempts=None),
                Stage("labels", LabelsHandler(revocation), concurrency=1, attempts=None),
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


def _is_calibrated(model: str) -> bool:
    """Whether the classifier was trained for the embeddings model. If not, only exact and key hits are served."""
    if base_name(model) == calibrated_for():
        return True
    log.warning(
        "semantic hits are disabled: the classifier was trained for another embeddings model",
        model=model,
        calibrated_for=calibrated_for(),
        fix="run `septet calibrate` and set SEPTET_CALIBRATION_FILE",
    )
    return False
