"""In-memory store of entries for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import numpy as np
from septet_cache.domain.admission import stale_sources
from septet_cache.domain.entry import Candidate, Entry, Veto
from septet_cache.domain.scope import Slot
from septet_contracts import Embedding


@dataclass
class _Row:
    entry: Entry
    grams: frozenset[str]
    revoked: str | None = None


@dataclass
class MemoryEntries:
    """An :class:`septet_cache.ports.EntryStore` in memory."""

    _rows: list[_Row] = field(default_factory=list)
    _documents: dict[tuple[str, str], tuple[str | None, datetime]] = field(default_factory=dict)
    _vetoes: list[tuple[Veto, datetime]] = field(default_factory=list)
    _causes: set[tuple[str, UUID]] = field(default_factory=set)

    def _first(self, consumer: str, cause: UUID) -> bool:
        seen = (consumer, cause) in self._causes
        self._causes.add((consumer, cause))
        return not seen

    def _live(self, tenant: str, now: datetime | None = None) -> list[_Row]:
        rows = (r for r in self._rows if r.entry.tenant == tenant and r.revoked is None)
        return [r for r in rows if now is None or r.entry.expires_at > now]

    async def by_slot(self, tenant: str, slot: Slot, now: datetime) -> Entry | None:
        found = (row.entry for row in self._live(tenant, now) if row.entry.slot == slot)
        return next((e.model_copy(update={"embedding": None}) for e in found), None)

    async def near(
        self, tenant: str, scope: str, embedding: Embedding, grams: Sequence[str], limit: int, now: datetime
    ) -> list[Candidate]:
        vector = np.asarray(embedding.vector, dtype=np.float32)
        comparable = [
            (row, stored)
            for row in self._live(tenant, now)
            if row.entry.slot.scope == scope and (stored := row.entry.embedding) is not None
        ]
        pool = [
            (float(np.dot(np.asarray(stored.vector, dtype=np.float32), vector)), row)
            for row, stored in comparable
            if stored.model == embedding.model and len(stored.vector) == len(embedding.vector)
        ]
        wanted = frozenset(grams)
        dense = sorted(pool, key=lambda p: -p[0])[:limit]
        sharing = [p for p in pool if p[1].grams & wanted]
        lexical = sorted(sharing, key=lambda p: -len(p[1].grams & wanted) / len(p[1].grams))[:limit]
        found = {id(row): Candidate(row.entry, similarity) for similarity, row in (*dense, *lexical)}
        return sorted(found.values(), key=lambda c: -c.similarity)

    async def admit(self, entry: Entry, grams: Sequence[str], cause: UUID, now: datetime) -> str | None:
        if not self._first("admit", cause):
            return None
        if refused := self._refusal(entry):
            return refused
        for row in self._live(entry.tenant):
            if row.entry.slot == entry.slot:
                row.revoked = "replaced by a newer answer"
            elif _other_model(row.entry, entry) and row.entry.created_at < entry.created_at:
                row.revoked = "model or prompt version changed"
        self._rows.append(_Row(entry, frozenset(grams)))
        return None

    def _refusal(self, entry: Entry) -> str | None:
        for veto, _ in self._vetoes:
            same_answer = (veto.form, veto.answer_digest) == (entry.slot.form, entry.answer_digest)
            if veto.tenant == entry.tenant and (veto.request_id == entry.request_id or same_answer):
                return f"vetoed: {veto.reason}"
        newer = [row.entry for row in self._live(entry.tenant) if row.entry.created_at > entry.created_at]
        if any(other.slot == entry.slot for other in newer):
            return "a newer answer is stored"
        if any(_other_model(other, entry) for other in newer):
            return "an answer of a newer model or prompt version is stored"
        known = {d: state[0] for (t, d), state in self._documents.items() if t == entry.tenant}
        return stale_sources(entry, known)

    async def document_changed(
        self, tenant: str, document_id: str, content_hash: str | None, at: datetime, cause: UUID
    ) -> int:
        known = self._documents.get((tenant, document_id))
        if not self._first("documents", cause) or (known and known[1] > at):
            return 0
        self._documents[tenant, document_id] = (content_hash, at)
        made_from_it = (r for r in self._live(tenant) if document_id in r.entry.lineage)
        stale = [r for r in made_from_it if r.entry.lineage[document_id] != content_hash]
        return self._revoke(stale, f"document {document_id!r} changed")

    async def veto(self, veto: Veto, cause: UUID, now: datetime) -> int:
        if not self._first("veto", cause):
            return 0
        self._vetoes.append((veto, now))
        hit = [row for row in self._live(veto.tenant) if _is_vetoed(row.entry, veto)]
        return self._veto_all(hit, veto.reason, now)

    async def flag_document(
        self, tenant: str, document_id: str, reason: str, cause: UUID, now: datetime
    ) -> int:
        if not self._first("flag", cause):
            return 0
        return self._veto_all(
            [row for row in self._live(tenant) if document_id in row.entry.lineage], reason, now
        )

    def _veto_all(self, hit: list[_Row], reason: str, now: datetime) -> int:
        for row in hit:
            e = row.entry
            self._vetoes.append((Veto(e.tenant, reason, e.request_id, e.slot.form, e.answer_digest), now))
        return self._revoke(hit, reason)

    @staticmethod
    def _revoke(hit: list[_Row], reason: str) -> int:
        for row in hit:
            row.revoked = reason
        return len(hit)

    async def purge(self, before: datetime) -> int:
        ended = [row for row in self._rows if row.entry.expires_at < before]
        self._rows = [row for row in self._rows if row.entry.expires_at >= before]
        self._vetoes = [(v, at) for v, at in self._vetoes if at >= before]
        return len(ended)


def _other_model(other: Entry, entry: Entry) -> bool:
    generated = other.answer_kind == entry.answer_kind == "generated"
    versions = (other.model, other.prompt_version) != (entry.model, entry.prompt_version)
    return (
        generated
        and versions
        and _template(other) == _template(entry)
        and other.slot.scope == entry.slot.scope
    )


def _template(entry: Entry) -> str:
    return (entry.prompt_version or "").partition("@")[0]


def _is_vetoed(entry: Entry, veto: Veto) -> bool:
    same_answer = veto.answer_digest == entry.answer_digest
    return (
        entry.request_id == veto.request_id
        or (veto.form == entry.slot.form and same_answer)
        or (veto.slot == entry.slot and (veto.answer_digest is None or same_answer))
    )
