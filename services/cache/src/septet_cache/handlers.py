"""Handlers of the cache's topics: thin, one per topic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from septet_contracts import DocumentChanged, Label, Missed, Outcome, Release, Screened
from septet_kit import Context, Emit, advance
from septet_kit.observe import get_logger, span
from septet_kit.offload import Offload

from septet_cache import metrics
from septet_cache.domain.admission import entry_of, is_expired, refusal
from septet_cache.domain.entry import Entry, Veto, answer_digest
from septet_cache.domain.grams import grams
from septet_cache.domain.judge import readable
from septet_cache.domain.normalise import digest, normal_form
from septet_cache.domain.scope import Slot
from septet_cache.lookup import Found, Lookup
from septet_cache.ports import EntryStore
from septet_cache.settings import CacheSettings

STAGE = "cache"
log = get_logger()

_offload = Offload(inline=8_192)


class Handlers:
    """What the cache does with each event; collaborators come from ``app.py``."""

    def __init__(self, lookup: Lookup, store: EntryStore, settings: CacheSettings) -> None:
        self._lookup = lookup
        self._store = store
        self._settings = settings

    async def screened(self, event: Screened, ctx: Context) -> Sequence[Emit]:
        """Answer from the cache, or pass the question on with its embedding."""
        with span("cache.lookup") as current:
            found = await self._lookup.find(event)
            current.set_attribute("septet.cache.status", found.info.status)
        metrics.lookups.labels(found.info.status).inc()
        if found.entry is not None:
            return [Emit("outcomes", _hit(event, found.entry, found, ctx))]
        if objection := next((c.name for c in found.info.checks if not c.passed), None):
            metrics.rejected.labels(objection).inc()
        missed = advance(
            event, Missed, ctx, stage=STAGE, cache=found.info, question_vector=found.embedding,
            degraded=(*event.degraded, *found.degraded),
        )  # fmt: skip
        return [Emit("missed", missed)]

    async def releases(self, event: Release, ctx: Context) -> Sequence[Emit]:
        """Keep a released answer, unless there is a reason against it."""
        found = await _offload(len(event.question or ""), _consider, event, self._settings)
        refused = found if isinstance(found, str) else None
        if not isinstance(found, str):
            now = datetime.now(UTC)
            expired = "expired" if is_expired(found[0], now) else None
            refused = expired or await self._store.admit(*found, event.cause, now)
        metrics.admissions.labels("no" if refused else "yes").inc()
        log.info(
            "admission", request_id=event.request_id, tenant=event.tenant, kept=not refused, reason=refused
        )
        return []

    async def documents_changed(self, event: DocumentChanged, ctx: Context) -> Sequence[Emit]:
        """Revoke what rests on a document that is gone or has other content."""
        content_hash = None if event.change == "deleted" else event.content_hash
        count = await self._store.document_changed(
            event.tenant, event.document_id, content_hash, event.occurred_at, event.event_id
        )
        self._revoked(count, f"document_{event.change}", event.tenant)
        return []

    async def labels(self, event: Label, ctx: Context) -> Sequence[Emit]:
        """Revoke, for good, what people said is bad."""
        if not event.explicit or event.polarity != "negative":
            return []
        now = datetime.now(UTC)
        reason = f"negative feedback ({event.kind})"
        if event.flagged_document_id is not None:
            count = await self._store.flag_document(
                event.tenant, event.flagged_document_id, "a source was flagged", event.event_id, now
            )
            self._revoked(count, "flagged_source", event.tenant)
        size = len(event.question or "") + len(event.answer or "")
        veto = await _offload(size, _veto, event, reason)
        self._revoked(await self._store.veto(veto, event.event_id, now), "feedback", event.tenant)
        return []

    @staticmethod
    def _revoked(count: int, cause: str, tenant: str) -> None:
        if count:
            metrics.revocations.labels(cause).inc(count)
            log.info("revoked", tenant=tenant, cause=cause, entries=count)


def _consider(event: Release, settings: CacheSettings) -> tuple[Entry, tuple[str, ...]] | str:
    """The entry of a release with its lexical keys, or the reason why it is not kept."""
    refused = refusal(event) if settings.enabled else "the cache is switched off"
    if refused is not None:
        return refused
    entry = entry_of(event, settings.ttl, settings.volatile_ttl)
    reading = readable(entry.question, entry.language)
    return entry, grams(reading) if reading else ()


def _veto(event: Label, reason: str) -> Veto:
    return Veto(
        event.tenant, reason, event.request_id, slot=Slot.parse(event.cache_entry_id),
        form=digest(normal_form(event.question)) if event.question else None,
        answer_digest=answer_digest(event.answer) if event.answer else None,
    )  # fmt: skip


def _hit(event: Screened, entry: Entry, found: Found, ctx: Context) -> Outcome:
    return advance(
        event, Outcome, ctx, stage=STAGE, item="hit", status="answered", origin=STAGE, answer=entry.answer,
        answer_kind="cached", passages=entry.passages, cache=found.info, answerability=entry.answerability,
        question_vector=found.embedding, model=entry.model, prompt_version=entry.prompt_version,
    )  # fmt: skip
