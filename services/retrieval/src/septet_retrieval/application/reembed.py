"""Embeds stored passages again after a change of the embedding model."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from septet_kit.observe import get_logger

from septet_retrieval.ports import PassageStore, TextEmbedder

log = get_logger()

_BATCH = 64
_INTERVAL = timedelta(minutes=5)


class Reembedder:
    """Replaces vectors of other models. Until then dense search misses these passages; lexical search finds them.

    Several processes may embed the same passage; they store the same vector.
    """

    def __init__(self, store: PassageStore, embedder: TextEmbedder) -> None:
        self._store = store
        self._embedder = embedder

    async def run(self) -> None:
        """Check at the start and then periodically, until cancelled. Errors are logged."""
        while True:
            try:
                await self.replace_all()
            except Exception as error:
                # For example a model with vectors of another length: questions are still answered by words.
                log.warning("passages of another model are not embedded yet", error=repr(error))
            await asyncio.sleep(_INTERVAL.total_seconds())

    async def replace_all(self) -> int:
        """Embed the passages of all tenants that have vectors of another model; return their number.

        Raises:
            Transient: the store or the embeddings endpoint is down.
            Permanent: the embeddings endpoint refuses the texts.
        """
        replaced = 0
        for tenant in await self._store.positions():
            replaced += await self._replace(tenant)
        return replaced

    async def _replace(self, tenant: str) -> int:
        model, replaced = self._embedder.model, 0
        while stale := await self._store.of_other_models(tenant, model, _BATCH):
            if not replaced:
                log.warning("embedding the passages of another model again", tenant=tenant, model=model)
            vectors = await self._embedder.embed([each.passage.searched_text for each in stale], "passage")
            await self._store.replace_vectors(tenant, model, stale, list(vectors))
            replaced += len(stale)
        if replaced:
            log.info("passages embedded again", tenant=tenant, model=model, passages=replaced)
        return replaced
