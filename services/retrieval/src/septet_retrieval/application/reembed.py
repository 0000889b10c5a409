"""Embeds stored passages again after a change of the embedding model."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from septet_kit import Permanent, Transient
from septet_kit.observe import get_logger

from septet_retrieval.ports import PassageStore, StalePassage, TextEmbedder

log = get_logger()

_BATCH = 64
_INTERVAL = timedelta(minutes=5)
_HEARTBEAT = timedelta(minutes=1)
_IN_USE = 3 * _HEARTBEAT
"""A model counts as in use for this time after an instance recorded it."""


class Reembedder:
    """Replaces vectors of other models. Until then dense search misses these passages; lexical search finds them.

    Several processes may embed the same passage; they store the same vector. While instances with another model run, as
    during a rolling update, no instance replaces vectors: they would replace each other's.
    A text that the endpoint refuses is sent again after a restart only.
    """

    def __init__(self, store: PassageStore, embedder: TextEmbedder) -> None:
        self._store = store
        self._embedder = embedder
        self._others: frozenset[str] = frozenset()
        self._refused: dict[str, set[bytes]] = defaultdict(set)
        """Hashes of the refused texts by tenant."""

    async def run(self) -> None:
        """Check at the start and then periodically, until cancelled. Errors are logged."""
        clock, due = asyncio.get_running_loop().time, 0.0
        while True:
            try:
                if await self._must_wait():
                    due = 0.0
                elif clock() >= due:
                    due = clock() + _INTERVAL.total_seconds()
                    await self.replace_all()
            except Exception as error:
                # For example a model with vectors of another length: questions are still answered by words.
                log.warning("passages of another model are not embedded yet", error=repr(error))
            await asyncio.sleep(_HEARTBEAT.total_seconds())

    async def replace_all(self) -> int:
        """Embed the passages of all tenants that have vectors of another model; return their number.

        A tenant whose passages cannot be embedded is logged, and the others go on. It is retried in the next round.

        Raises:
            Transient: the store is down.
        """
        replaced = 0
        for tenant in await self._store.positions():
            try:
                replaced += await self._replace(tenant)
            except (Transient, Permanent) as error:
                log.warning(
                    "passages of a tenant are not embedded yet",
                    tenant=tenant,
                    code=error.code,
                    error=error.message,
                )
        return replaced

    async def _must_wait(self) -> bool:
        """Record the use of this instance's model; return whether instances with another model run."""
        others = frozenset(await self._store.other_models_in_use(self._embedder.model, _IN_USE))
        if others and others != self._others:
            log.warning(
                "passages are not embedded again while other models are in use", models=sorted(others)
            )
        self._others = others
        return bool(others)

    async def _replace(self, tenant: str) -> int:
        model, replaced, refused = self._embedder.model, 0, self._refused[tenant]
        while stale := await self._store.of_other_models(tenant, model, _BATCH, list(refused)):
            if await self._must_wait():
                break
            if not replaced:
                log.warning("embedding the passages of another model again", tenant=tenant, model=model)
            try:
                replaced += await self._embed(tenant, stale)
            except Permanent as error:
                await self._check_endpoint()
                rejected: set[bytes] = set()
                replaced += await self._halve(tenant, stale, error, rejected)
                await self._check_endpoint()  # It may have begun to refuse every text meanwhile.
                refused |= rejected
        if replaced:
            log.info("passages embedded again", tenant=tenant, model=model, passages=replaced)
        return replaced

    async def _embed(self, tenant: str, stale: Sequence[StalePassage]) -> int:
        """Embed and store a batch; return the number of passages."""
        vectors = await self._embedder.embed([each.passage.searched_text for each in stale], "passage")
        await self._store.replace_vectors(tenant, self._embedder.model, stale, list(vectors))
        return len(stale)

    async def _halve(
        self, tenant: str, stale: Sequence[StalePassage], error: Permanent, rejected: set[bytes]
    ) -> int:
        """Embed a refused batch in halves; add the hashes of the texts that are refused alone to ``rejected``."""
        if len(stale) == 1:
            passage = stale[0].passage
            log.warning(
                "the embeddings endpoint refuses a passage; only lexical search finds it",
                tenant=tenant,
                document=passage.document_id,
                passage=passage.passage_id,
                error=error.message,
            )
            rejected.add(stale[0].text_hash)
            return 0
        replaced, middle = 0, len(stale) // 2
        for half in (stale[:middle], stale[middle:]):
            try:
                replaced += await self._embed(tenant, half)
            except Permanent as each:
                replaced += await self._halve(tenant, half, each, rejected)
        return replaced

    async def _check_endpoint(self) -> None:
        """Raise :class:`Permanent` if the endpoint refuses every text, as with a wrong key or model name."""
        await self._embedder.embed([uuid4().hex], "passage")  # A new text: the embedder caches earlier ones.
