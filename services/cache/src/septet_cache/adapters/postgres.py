"""Entries in PostgreSQL with pgvector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import numpy as np
from pgvector import HalfVector
from septet_contracts import Embedding
from septet_kit.store import once
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS

from septet_cache.adapters import statements as sql
from septet_cache.domain.admission import stale_sources
from septet_cache.domain.entry import Candidate, Entry, Veto
from septet_cache.domain.scope import Slot


class PostgresEntries:
    """An :class:`septet_cache.ports.EntryStore` in PostgreSQL.

    Semantic search covers only embeddings with ``dimensions`` dimensions, because the index contains no others.
    """

    def __init__(self, pool: StorePool, dimensions: int) -> None:
        self._pool = pool
        self._dimensions = dimensions
        self._near = sql.NEAR.replace("{dimensions}", str(int(dimensions)))

    async def by_slot(self, tenant: str, slot: Slot, now: datetime) -> Entry | None:
        content = await self._pool.fetchval(sql.BY_SLOT, tenant, slot.scope, slot.form, now, tenant=tenant)
        return Entry.model_validate_json(content) if content is not None else None

    async def near(
        self, tenant: str, scope: str, embedding: Embedding, grams: Sequence[str], limit: int, now: datetime
    ) -> list[Candidate]:
        if len(embedding.vector) != self._dimensions:
            return []
        vector = HalfVector(np.asarray(embedding.vector, dtype=np.float32))
        async with self._pool.transaction(tenant, *sql.PLAN_FOR_TENANT) as connection:
            rows = await connection.fetch(
                self._near, tenant, scope, now, embedding.model, vector, _keys(tenant, grams), limit
            )
        found = [Candidate(Entry.model_validate_json(r["content"]), float(r["similarity"])) for r in rows]
        return sorted(found, key=lambda c: c.similarity, reverse=True)

    async def admit(self, entry: Entry, grams: Sequence[str], cause: UUID, now: datetime) -> str | None:
        async with once(self._pool, cause, "cache.admit", tenant=entry.tenant) as unit:
            if not unit.first:
                return None
            connection = unit.connection
            await connection.execute(sql.LOCK_TENANT, entry.tenant)
            if refused := await self._refusal(connection, entry):
                return refused
            await self._replace(connection, entry, grams, now)
        return None

    async def _refusal(self, connection: asyncpg.Connection, entry: Entry) -> str | None:
        slot = entry.slot
        version = (entry.tenant, slot.scope, entry.model, entry.prompt_version)
        veto = await connection.fetchval(
            sql.FIND_VETO, entry.tenant, entry.request_id, slot.form, entry.answer_digest
        )
        if veto is not None:
            return f"vetoed: {veto}"
        if await connection.fetchval(
            sql.NEWER_IN_SLOT, entry.tenant, slot.scope, slot.form, entry.created_at
        ):
            return "a newer answer is stored"
        if entry.answer_kind == "generated" and await connection.fetchval(
            sql.NEWER_OF_OTHER_MODEL, *version, entry.created_at
        ):
            return "an answer of a newer model or prompt version is stored"
        rows = await connection.fetch(sql.KNOWN_DOCUMENTS, entry.tenant, list(entry.lineage))
        return stale_sources(entry, {r["document_id"]: r["content_hash"] for r in rows})

    async def _replace(
        self, connection: asyncpg.Connection, entry: Entry, grams: Sequence[str], now: datetime
    ) -> None:
        slot = entry.slot
        await connection.execute(sql.REVOKE_SLOT, entry.tenant, slot.scope, slot.form, now)
        if entry.answer_kind == "generated":
            version = (entry.tenant, slot.scope, entry.model, entry.prompt_version)
            await connection.execute(sql.REVOKE_OTHER_MODELS, *version, now, entry.created_at)
        row_id = await connection.fetchval(sql.INSERT, *_row(entry, grams))
        lineage = [(row_id, entry.tenant, d, h) for d, h in entry.lineage.items()]
        await connection.executemany(sql.INSERT_LINEAGE, lineage)

    async def document_changed(
        self, tenant: str, document_id: str, content_hash: str | None, at: datetime, cause: UUID
    ) -> int:
        async with once(self._pool, cause, "cache.documents", tenant=tenant) as unit:
            if not unit.first:
                return 0
            await unit.connection.execute(sql.LOCK_TENANT, tenant)
            newest = await unit.connection.fetchval(
                sql.UPSERT_DOCUMENT, tenant, document_id, content_hash, at
            )
            if not newest:
                return 0
            reason = f"document {document_id!r} was {'deleted' if content_hash is None else 'changed'}"
            done = await unit.connection.execute(
                sql.REVOKE_BY_DOCUMENT, tenant, document_id, content_hash, at, reason
            )
        return _count(done)

    async def veto(self, veto: Veto, cause: UUID, now: datetime) -> int:
        async with once(self._pool, cause, "cache.veto", tenant=veto.tenant) as unit:
            if not unit.first:
                return 0
            connection, slot = unit.connection, veto.slot
            await connection.execute(sql.LOCK_TENANT, veto.tenant)
            own = (veto.request_id, veto.form, veto.answer_digest)
            in_slot = (slot.scope, slot.form) if slot else (None, None)
            revoked = await connection.fetch(sql.REVOKE_VETOED, veto.tenant, *own, *in_slot, now, veto.reason)
            await _insert_vetoes(connection, veto.tenant, {own, *map(tuple, revoked)}, veto.reason, now)
        return len(revoked)

    async def flag_document(
        self, tenant: str, document_id: str, reason: str, cause: UUID, now: datetime
    ) -> int:
        async with once(self._pool, cause, "cache.flag", tenant=tenant) as unit:
            if not unit.first:
                return 0
            await unit.connection.execute(sql.LOCK_TENANT, tenant)
            revoked = await unit.connection.fetch(sql.REVOKE_FLAGGED, tenant, document_id, now, reason)
            await _insert_vetoes(unit.connection, tenant, map(tuple, revoked), reason, now)
        return len(revoked)

    async def purge(self, before: datetime) -> int:
        await self._pool.execute(sql.PURGE_VETOES, before, tenant=ALL_TENANTS)
        return _count(await self._pool.execute(sql.PURGE, before, tenant=ALL_TENANTS))


async def _insert_vetoes(
    connection: asyncpg.Connection,
    tenant: str,
    vetoed: Iterable[tuple[str | None, ...]],
    reason: str,
    now: datetime,
) -> None:
    await connection.executemany(sql.INSERT_VETO, [(tenant, *v, reason, now) for v in vetoed])


def _row(entry: Entry, grams: Sequence[str]) -> tuple[object, ...]:
    """Return the parameters of ``INSERT``."""
    embedding = entry.embedding
    return (
        entry.tenant,
        entry.slot.scope,
        entry.slot.form,
        entry.answer_digest,
        entry.request_id,
        entry.model,
        entry.prompt_version,
        entry.answer_kind,
        entry.created_at,
        entry.expires_at,
        _keys(entry.tenant, grams),
        embedding.model if embedding else None,
        HalfVector(np.asarray(embedding.vector, dtype=np.float32)) if embedding else None,
        entry.model_dump_json(exclude={"embedding"}),
    )


def _keys(tenant: str, grams: Sequence[str]) -> list[str]:
    """Prefix grams with the tenant, so that one tenant's common words do not slow down lookups of another."""
    return [f"{tenant}/{gram}" for gram in grams]


def _count(command_tag: str) -> int:
    return int(command_tag.rsplit(" ", 1)[-1])
