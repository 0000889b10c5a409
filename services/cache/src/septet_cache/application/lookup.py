"""Lookup: find a stored answer by the question's slot, then by its meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from septet_contracts import CacheInfo, Embedding, Screened
from septet_kit import Permanent, Transient
from septet_kit.embeddings_client import as_embedding
from septet_kit.observe import get_logger
from septet_kit.offload import Offload

from septet_cache.domain import cache_info
from septet_cache.domain.admission import CLEAN_DECISIONS
from septet_cache.domain.classifier import Classifiers
from septet_cache.domain.entry import Candidate, Entry
from septet_cache.domain.grams import grams
from septet_cache.domain.paraphrase import Verification, best, read_question, verify
from septet_cache.domain.reading import Reading
from septet_cache.domain.scope import Slot, slot_of
from septet_cache.ports import Embeddings, EntryStore
from septet_cache.settings import CacheSettings
from septet_cache.telemetry import verify_span

T = TypeVar("T")
log = get_logger()

_offload_slot = Offload(inline=16_384)
_offload_reading = Offload(inline=512)


@dataclass(frozen=True)
class LookupResult:
    """Result of a lookup.

    Attributes:
        info: the status and its reason, for the client.
        entry: the stored answer on a hit.
        embedding: the question's embedding, if it was computed.
        degraded: names of the components that were down.
    """

    info: CacheInfo
    entry: Entry | None = None
    embedding: Embedding | None = None
    degraded: tuple[str, ...] = ()


class Lookup:
    """Finds a stored answer that is safe to serve to a question.

    ``models`` are classifiers of a calibration file; by default the shipped ones.
    """

    def __init__(
        self,
        store: EntryStore,
        embeddings: Embeddings,
        settings: CacheSettings,
        calibrated: bool,
        models: Classifiers | None = None,
    ) -> None:
        self._store = store
        self._embeddings = embeddings
        self._settings = settings
        self._semantic = settings.semantic and calibrated
        self._models = models

    async def find(self, event: Screened) -> LookupResult:
        """Look up a question. If a component is down, the result is a miss and not an error."""
        size = len(event.ask.query) + sum(len(message.content) for message in event.ask.history)
        slot = await _offload_slot(size, slot_of, event.ask, event.policy_version, event.language)
        if info := self._skipped(event, slot):
            return LookupResult(info, embedding=None)
        now = datetime.now(UTC)
        try:
            if entry := await self._with_timeout(self._store.by_slot(event.tenant, slot, now)):
                return LookupResult(
                    cache_info.exact_hit(entry, now, keyed=event.ask.cache.key is not None), entry
                )
        except Transient as error:
            log.warning("lookup failed: store is down", code=error.code)
            return LookupResult(
                cache_info.miss(slot, "The cache's store is down."), degraded=("cache.store",)
            )
        return await self._by_meaning(event, slot, now)

    def _skipped(self, event: Screened, slot: Slot) -> CacheInfo | None:
        """Return the status if no lookup is allowed. Only ``refresh`` names the slot, so that the answer is stored."""
        if not self._settings.enabled:
            return CacheInfo(status="disabled", reason="The cache is switched off.")
        if event.ask.cache.use == "bypass":
            return CacheInfo(status="bypass", reason="The request asked not to use the cache.")
        if event.ask.evaluation is not None:
            reason = "The request belongs to an evaluation run, which does not use the cache."
            return CacheInfo(status="bypass", reason=reason)
        if unclean := next((v for v in event.verdicts if v.decision not in CLEAN_DECISIONS), None):
            return CacheInfo(status="bypass", reason=cache_info.unclean(unclean.decision))
        if event.ask.cache.use == "refresh":
            reason = "The request asked for a new answer."
            return CacheInfo(status="refresh", reason=reason, entry_id=slot.name)
        return None

    async def _by_meaning(self, event: Screened, slot: Slot, now: datetime) -> LookupResult:
        embedding, degraded = await self._embed(event.ask.query)
        if event.ask.cache.key is not None:
            reason = "No answer is stored under this key. With a key, only the key is compared."
            return LookupResult(cache_info.miss(slot, reason), embedding=embedding, degraded=degraded)
        size = len(event.ask.query)
        reading = await _offload_reading(size, read_question, event.ask.query, event.language)
        if embedding is None or reading is None or not self._semantic:
            reason = "No answer is stored for the same question, and similar questions cannot be verified."
            return LookupResult(cache_info.miss(slot, reason), embedding=embedding, degraded=degraded)
        try:
            candidates = await self._with_timeout(
                self._store.near(
                    event.tenant, slot.scope, embedding, grams(reading), self._settings.candidates, now
                )
            )
        except Transient as error:
            log.warning("semantic lookup failed: store is down", code=error.code)
            return LookupResult(cache_info.miss(slot), embedding=embedding, degraded=("cache.semantic",))
        with verify_span(len(candidates)):
            size = sum(len(c.entry.question) for c in candidates)
            nearest = await _offload_reading(
                size, _verify_all, reading, candidates, self._settings.strictness, self._models
            )
        if nearest is None:
            return LookupResult(cache_info.miss(slot), embedding=embedding)
        if not nearest.is_safe:
            return LookupResult(cache_info.near_miss(slot, nearest), embedding=embedding)
        return LookupResult(cache_info.semantic_hit(nearest, now), nearest.candidate.entry, embedding)

    async def _embed(self, question: str) -> tuple[Embedding | None, tuple[str, ...]]:
        """Return the question's embedding, or None if the endpoint is down, and the degraded components."""
        try:
            vectors = await self._with_timeout(self._embeddings.embed([question], "question"))
        except (Transient, Permanent) as error:
            log.warning("semantic lookup skipped: no embedding", code=error.code)
            return None, ("cache.semantic",)
        return as_embedding(self._embeddings.model, vectors[0]), ()

    async def _with_timeout(self, work: Awaitable[T]) -> T:
        """Await a call for at most ``patience``, so that a component that hangs does not use up the deadline.

        The call is cancelled without waiting for it to end, because cancelling a client of a hanging server can
        hang too.

        Raises:
            Transient: the time is over.
        """
        task = asyncio.ensure_future(work)
        task.add_done_callback(_retrieve_exception)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._settings.patience.total_seconds())
        finally:
            task.cancel()
        if not done:
            raise Transient("lookup_too_slow", f"no reply in {self._settings.patience}")
        return task.result()


def _retrieve_exception(task: asyncio.Future[T]) -> None:
    """Retrieve the exception of a cancelled call; otherwise asyncio logs that it was never retrieved."""
    if not task.cancelled():
        task.exception()


def _verify_all(
    reading: Reading,
    candidates: Sequence[Candidate],
    strictness: float | None,
    models: Classifiers | None,
) -> Verification | None:
    return best(verify(reading, candidate, strictness, models) for candidate in candidates)
