"""Admission: store a released answer, unless a rule or the store refuses it."""

from __future__ import annotations

from datetime import UTC, datetime

from septet_contracts import Release
from septet_kit.offload import Offload

from septet_cache.domain.admission import entry_of, is_expired, refusal
from septet_cache.domain.entry import Entry
from septet_cache.domain.grams import grams
from septet_cache.domain.paraphrase import read_question
from septet_cache.ports import EntryStore
from septet_cache.settings import CacheSettings

_offload = Offload(inline=8_192)


class Admission:
    """Decides which released answers the store keeps."""

    def __init__(self, store: EntryStore, settings: CacheSettings) -> None:
        self._store = store
        self._settings = settings

    async def admit(self, release: Release) -> str | None:
        """Store the answer; return the reason if it is refused, None if it is admitted."""
        prepared = await _offload(len(release.question or ""), _prepare, release, self._settings)
        if isinstance(prepared, str):
            return prepared
        entry, keys = prepared
        now = datetime.now(UTC)
        if is_expired(entry, now):
            return "expired"
        return await self._store.admit(entry, keys, release.cause, now)


def _prepare(release: Release, settings: CacheSettings) -> tuple[Entry, tuple[str, ...]] | str:
    """Return the release's entry with its lexical keys, or the reason why it is refused."""
    refused = refusal(release) if settings.enabled else "the cache is switched off"
    if refused is not None:
        return refused
    entry = entry_of(release, settings.ttl, settings.volatile_ttl)
    reading = read_question(entry.question, entry.language)
    return entry, grams(reading) if reading else ()
