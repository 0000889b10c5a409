"""The request registry on PostgreSQL. Every transition is one compare-and-set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import timedelta

import asyncpg
from opentelemetry import context
from septet_contracts import EvaluationSample
from septet_kit import MAX_DEADLINE, Emit, Transient
from septet_kit.store import Unit
from septet_kit.store.outbox_event import outbox_rows, put_outbox_rows
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS
from septet_kit.store.unit import seal

from septet_eval.application.publication import events_of
from septet_eval.domain.response import Pending, Publication
from septet_eval.ports import CancelResult, EndedRequest, Ending, ReleaseResult, Substitutes

SCHEMA = "eval"

_TRIES = 5

# Guardrails rejects a request whose deadline has passed on arrival, with a reason. The grace of one second lets that
# response win over `expired`.
_REGISTER = """
INSERT INTO requests (tenant, request_id, conversation_id, digest, state, accepted_at, deadline, expires_at, traceparent,
                      evaluation)
VALUES ($1, $2, $3, $4, 'pending', $5, $6::timestamptz, greatest($6::timestamptz, clock_timestamp() + interval '1 second'), $7,
        $8)
ON CONFLICT (tenant, request_id) DO NOTHING
RETURNING true
"""


# The compare-and-set and the outbox rows of all events are one statement. The first outcome of the request's own body
# wins, whether or not the request is registered yet.
_RELEASE = f"""
WITH released AS (
INSERT INTO requests (tenant, request_id, conversation_id, digest, state, accepted_at, deadline, expires_at, traceparent,
                      evaluation, status, released_at)
VALUES ($1, $2, $3, $4, 'released', $5, $6, $6, $7, $8, $9, clock_timestamp())
ON CONFLICT (tenant, request_id) DO UPDATE
    SET state = 'released', status = $9, released_at = clock_timestamp()
    WHERE requests.state = 'pending' AND requests.digest = $4
RETURNING true
), events AS ({put_outbox_rows(10, "released")})
SELECT EXISTS (SELECT 1 FROM released)
"""  # noqa: S608 - made of constants

# Why the statements above have changed nothing.
_OBSTACLE = """
SELECT CASE WHEN state = 'cancelled' THEN 'cancelled' WHEN digest <> $3 THEN 'conflict' ELSE 'done' END
FROM requests WHERE tenant = $1 AND request_id = $2
"""
_INSERT_CONFLICT = """
INSERT INTO conflicts (tenant, request_id, digest)
SELECT tenant, request_id, $3 FROM requests WHERE tenant = $1 AND request_id = $2 AND digest <> $3
ON CONFLICT DO NOTHING
RETURNING true
"""

# One statement for a request that is pending, and for one that is not registered: the primary key serializes it with
# concurrent registrations and releases. A cancelled id has no body yet. It is kept for the longest deadline of a
# request, counted from the cancellation.
_CANCEL = """
INSERT INTO requests AS r (tenant, request_id, digest, state, accepted_at, deadline, expires_at)
VALUES ($1, $2, '', 'cancelled', clock_timestamp(), clock_timestamp(), clock_timestamp() + $3::interval)
ON CONFLICT (tenant, request_id) DO UPDATE
    SET state = 'released', status = 'cancelled', released_at = clock_timestamp()
    WHERE r.state = 'pending'
RETURNING r.state, r.tenant, r.request_id, r.conversation_id, r.digest, r.deadline, r.accepted_at, r.traceparent,
    r.evaluation
"""
_RELEASE_CANCELLED = """
UPDATE requests SET state = 'released', status = 'cancelled', released_at = clock_timestamp(), conversation_id = $3,
    digest = $4, accepted_at = $5, deadline = $6, expires_at = $6, traceparent = $7, evaluation = $8
WHERE tenant = $1 AND request_id = $2 AND state = 'cancelled'
RETURNING true
"""

# clock_timestamp() is volatile, so that a condition on it cannot use an index.
_IS_ANY_OVERDUE = (
    "SELECT EXISTS (SELECT 1 FROM requests WHERE state = 'pending' AND expires_at < statement_timestamp())"
)

# MATERIALIZED locks the rows once. SKIP LOCKED lets several processes sweep at the same time.
_EXPIRE = """
WITH due AS MATERIALIZED (
    SELECT tenant, request_id FROM requests
    WHERE state = 'pending' AND expires_at < statement_timestamp()
    ORDER BY expires_at LIMIT $1
    FOR UPDATE SKIP LOCKED
)
UPDATE requests r SET state = 'released', status = 'expired', released_at = clock_timestamp()
FROM due WHERE r.tenant = due.tenant AND r.request_id = due.request_id
RETURNING r.tenant, r.request_id, r.conversation_id, r.digest, r.deadline, r.accepted_at, r.traceparent,
    r.evaluation
"""

_PURGE = """
WITH old AS MATERIALIZED (
    SELECT tenant, request_id FROM requests
    WHERE state = 'released' AND released_at < statement_timestamp() - $1::interval
    LIMIT 1000 FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM requests r USING old WHERE r.tenant = old.tenant AND r.request_id = old.request_id RETURNING 1
)
SELECT count(*) FROM deleted
"""
_PURGE_CANCELLED = "DELETE FROM requests WHERE state = 'cancelled' AND expires_at < statement_timestamp()"
_PURGE_CONFLICTS = "DELETE FROM conflicts WHERE reported_at < statement_timestamp() - $1::interval"


class PostgresRequestRegistry:
    """:class:`septet_eval.ports.RequestRegistry` in the schema ``eval``.

    The compare-and-set already makes a redelivery harmless, so no inbox row is written. ``versions`` are the major
    versions in which responses are published.
    """

    def __init__(self, pool: StorePool, versions: Sequence[int]) -> None:
        self._pool = pool
        self._versions = versions

    async def register(self, pending: Pending, substitutes: Substitutes) -> ReleaseResult:
        return await self._insert(_REGISTER, _columns(pending), ReleaseResult(), pending, substitutes)

    async def release(
        self, pending: Pending, publication: Publication, substitutes: Substitutes
    ) -> ReleaseResult:
        sealed = [seal(self._pool, emit) for emit in events_of(publication, self._versions)]
        parameters = (*_columns(pending), publication.response.status, *outbox_rows(sealed))
        result = ReleaseResult(sealed, publication.response)
        return await self._insert(_RELEASE, parameters, result, pending, substitutes)

    async def _insert(
        self,
        statement: str,
        parameters: Sequence[object],
        result: ReleaseResult,
        pending: Pending,
        substitutes: Substitutes,
    ) -> ReleaseResult:
        """Run a compare-and-set; returns ``result`` if it has changed the row. It is run again if a purge deletes the row."""
        for _ in range(_TRIES):
            if await self._pool.fetchval(statement, *parameters, tenant=pending.tenant):
                return result
            existing = await self._on_existing(pending, substitutes)
            if existing is not None:
                return existing
        raise Transient("concurrent_change", f"request {pending.request_id} changed concurrently")

    async def _on_existing(self, pending: Pending, substitutes: Substitutes) -> ReleaseResult | None:
        """The request id already exists. A duplicate is ignored; a different body gets one `conflict` response.

        Returns ``None`` if a purge has deleted the row in the meantime.
        """
        body = (pending.tenant, pending.request_id, pending.digest)
        obstacle = await self._pool.fetchval(_OBSTACLE, *body, tenant=pending.tenant)
        if obstacle == "cancelled":
            return await self._release_cancelled(pending, substitutes)
        if obstacle is None:
            return None
        if obstacle != "conflict":
            return ReleaseResult()
        async with self._unit(pending.tenant) as unit:
            if await unit.connection.fetchval(_INSERT_CONFLICT, *body):
                await self._emit(unit, substitutes.conflict())
        return ReleaseResult(unit.emits)

    async def _release_cancelled(self, pending: Pending, substitutes: Substitutes) -> ReleaseResult | None:
        """Release a request whose id was cancelled before it was registered."""
        async with self._unit(pending.tenant) as unit:
            if await unit.connection.fetchval(_RELEASE_CANCELLED, *_columns(pending)):
                publication = substitutes.cancelled()
                return ReleaseResult(await self._emit(unit, publication), publication.response)
        # Another record has released it in the meantime, perhaps with another body, or a purge has deleted it.
        return await self._on_existing(pending, substitutes)

    async def cancel(self, tenant: str, request_id: str, cancelling: Ending) -> CancelResult:
        async with self._unit(tenant) as unit:
            row = await unit.connection.fetchrow(_CANCEL, tenant, request_id, MAX_DEADLINE)
            if row is None:
                return CancelResult("ignored")
            if row["state"] == "cancelled":
                return CancelResult("remembered")
            return CancelResult("released", await self._end(unit, _pending(row), cancelling))

    async def expire(self, expiring: Ending, limit: int) -> Sequence[EndedRequest]:
        released: list[EndedRequest] = []
        if not await self._pool.fetchval(_IS_ANY_OVERDUE, tenant=ALL_TENANTS):
            return released
        async with self._unit(ALL_TENANTS) as unit:
            for row in await unit.connection.fetch(_EXPIRE, limit):
                released.append(await self._end(unit, _pending(row), expiring))
        return released

    async def _end(self, unit: Unit, pending: Pending, ending: Ending) -> EndedRequest:
        """Emit the response that ends a request without an outcome."""
        with ending(pending) as publication:
            emits = await self._emit(unit, publication)
            return EndedRequest(pending, publication, emits, context.get_current())

    async def _emit(self, unit: Unit, publication: Publication) -> Sequence[Emit]:
        """Add a publication's events to the outbox; returns them."""
        before = len(unit.emits)
        for emit in events_of(publication, self._versions):
            await unit.emit(emit)
        return unit.emits[before:]

    async def purge(self, older_than: timedelta) -> int:
        total = 0
        while deleted := await self._pool.fetchval(_PURGE, older_than, tenant=ALL_TENANTS):
            total += deleted
        await self._pool.execute(_PURGE_CANCELLED, tenant=ALL_TENANTS)
        await self._pool.execute(_PURGE_CONFLICTS, older_than, tenant=ALL_TENANTS)
        return total

    @asynccontextmanager
    async def _unit(self, tenant: str) -> AsyncIterator[Unit]:
        async with self._pool.transaction(tenant) as connection:
            yield Unit(True, connection, self._pool)


def _columns(pending: Pending) -> tuple[object, ...]:
    return (
        pending.tenant,
        pending.request_id,
        pending.conversation_id,
        pending.digest,
        pending.accepted_at,
        pending.deadline,
        pending.traceparent,
        None if pending.evaluation is None else pending.evaluation.model_dump_json(),
    )


def _pending(row: asyncpg.Record) -> Pending:
    values = {field.name: row[field.name] for field in fields(Pending)}
    if (evaluation := values["evaluation"]) is not None:
        values["evaluation"] = EvaluationSample.model_validate_json(evaluation)
    return Pending(**values)
