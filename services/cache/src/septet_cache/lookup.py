"""Looking a question up: its slot first, then its meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from septet_contracts import CacheInfo, Embedding, Screened
from septet_kit import Permanent, Transient
from septet_kit.embeddings_client import as_embedding
from septet_kit.observe import get_logger, span
from septet_kit.offload import Offload

from septet_cache.domain import explain
from septet_cache.domain.admission import CLEAN_DECISIONS
from septet_cache.domain.entry import Candidate, Entry
from septet_cache.domain.grams import grams
from septet_cache.domain.judge import Judgement, best, judge, readable
from septet_cache.domain.reading import Reading
from septet_cache.domain.scope import Slot, slot_of
from septet_cache.ports import Embeddings, EntryStore
from septet_cache.settings import CacheSettings

T = TypeVar("T")
log = get_logger()

_file = Offload(inline=16_384)
_read = Offload(inline=512)


@dataclass(frozen=True)
class Found:
    """A lookup's result: ``entry`` is set on a hit; ``degraded`` names what was down."""

    info: CacheInfo
    entry: Entry | None = None
    embedding: Embedding | None = None
    degraded: tuple[str, ...] = ()


class Lookup:
    """Finds the answer that is safe to serve to a question, if there is one."""

    def __init__(
        self, store: EntryStore, embeddings: Embeddings, settings: CacheSettings, calibrated: bool
    ) -> None:
        self._store = store
        self._embeddings = embeddings
        self._settings = settings
        self._semantic = settings.semantic and calibrated

    async def find(self, event: Screened) -> Found:
        """Look up an event's question. A part that is down makes it a miss, never a failure."""
        size = len(event.ask.query) + sum(len(message.content) for message in event.ask.history)
        slot = await _file(size, slot_of, event.ask, event.policy_version, event.language)
        if info := self._unasked(event, slot):
            return Found(info, embedding=None)
        now = datetime.now(UTC)
        try:
            if entry := await self._in_time(self._store.by_slot(event.tenant, slot, now)):
                return Found(explain.exact_hit(entry, now, keyed=event.ask.cache.key is not None), entry)
        except Transient as error:
            log.warning("lookup without the store", code=error.code)
            return Found(explain.miss(slot, "The cache's store is down."), degraded=("cache.store",))
        return await self._by_meaning(event, slot, now)

    def _unasked(self, event: Screened, slot: Slot) -> CacheInfo | None:
        """The cases in which nothing is read; a slot is named only where the answer may be kept."""
        if not self._settings.enabled:
            return CacheInfo(status="disabled", reason="The cache is switched off.")
        if event.ask.cache.use == "bypass":
            return CacheInfo(status="bypass", reason="The request asked not to use the cache.")
        if unclean := next((v for v in event.verdicts if v.decision not in CLEAN_DECISIONS), None):
            return CacheInfo(status="bypass", reason=explain.unclean(unclean.decision))
        if event.ask.cache.use == "refresh":
            reason = "The request asked for a new answer."
            return CacheInfo(status="refresh", reason=reason, entry_id=slot.name)
        return None

    async def _by_meaning(self, event: Screened, slot: Slot, now: datetime) -> Found:
        embedding, degraded = await self._embed(event.ask.query)
        if event.ask.cache.key is not None:
            reason = "No answer is kept under this key; with a key, meaning is not compared."
            return Found(explain.miss(slot, reason), embedding=embedding, degraded=degraded)
        size = len(event.ask.query)
        reading = await _read(size, readable, event.ask.query, event.language)
        if embedding is None or reading is None or not self._semantic:
            reason = "The same question has no kept answer, and similar ones cannot be verified."
            return Found(explain.miss(slot, reason), embedding=embedding, degraded=degraded)
        try:
            candidates = await self._in_time(
                self._store.near(
                    event.tenant, slot.scope, embedding, grams(reading), self._settings.candidates, now
                )
            )
        except Transient as error:
            log.warning("lookup by meaning without the store", code=error.code)
            return Found(explain.miss(slot), embedding=embedding, degraded=("cache.semantic",))
        with span("cache.verify") as current:
            current.set_attribute("septet.cache.candidates", len(candidates))
            size = sum(len(c.entry.question) for c in candidates)
            found = await _read(size, _verify, reading, candidates, self._settings.strictness)
        if found is None:
            return Found(explain.miss(slot), embedding=embedding)
        if not found.safe:
            return Found(explain.near_miss(slot, found), embedding=embedding)
        return Found(explain.semantic_hit(found, now), found.candidate.entry, embedding)

    async def _embed(self, question: str) -> tuple[Embedding | None, tuple[str, ...]]:
        """The question's embedding, which travels on with a miss; None while the endpoint is down."""
        try:
            vectors = await self._in_time(self._embeddings.embed([question]))
        except (Transient, Permanent) as error:
            log.warning("lookup without an embedding", code=error.code)
            return None, ("cache.semantic",)
        return as_embedding(self._embeddings.model, vectors[0]), ()

    async def _in_time(self, work: Awaitable[T]) -> T:
        """Bound one call, so that a part that hangs makes a miss and does not use up the request's time.

        The call is cancelled and not waited for: a client whose server hangs also hangs while it is cancelled.
        """
        task = asyncio.ensure_future(work)
        task.add_done_callback(_retrieved)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._settings.patience.total_seconds())
        finally:
            task.cancel()
        if not done:
            raise Transient("lookup_too_slow", f"no reply in {self._settings.patience}")
        return task.result()


def _retrieved(task: asyncio.Future[T]) -> None:
    """Take the exception of an abandoned call; asyncio would report it as never retrieved."""
    if not task.cancelled():
        task.exception()


def _verify(reading: Reading, candidates: Sequence[Candidate], strictness: float | None) -> Judgement | None:
    return best(judge(reading, candidate, strictness) for candidate in candidates)
