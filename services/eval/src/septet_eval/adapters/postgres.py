"""The ledger of requests on PostgreSQL: every transition is one compare-and-set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import timedelta

import asyncpg
from opentelemetry import context
from septet_contracts import Response
from septet_kit import Emit
from septet_kit.store import Unit
from septet_kit.store.outbox_event import put_outbox
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import EVERY
from septet_kit.store.unit import seal

from septet_eval.domain.response import Pending
from septet_eval.ports import Conflict, Expired, Settled

SCHEMA = "eval"

# A request whose deadline has passed when it comes is rejected upstream, with the reason; the second's grace
# lets that response win over a bare `expired`.
_REGISTER = """
INSERT INTO requests (tenant, request_id, conversation_id, digest, state, accepted_at, deadline, expires_at, traceparent)
VALUES ($1, $2, $3, $4, 'pending', $5, $6::timestamptz, greatest($6::timestamptz, clock_timestamp() + interval '1 second'), $7)
ON CONFLICT (tenant, request_id) DO NOTHING
RETURNING true
"""

# The first outcome of a request's own body wins, whether or not the request has been registered yet. The response's
# outbox row is part of the same statement.
_RELEASE = f"""
WITH released AS (
INSERT INTO requests (tenant, request_id, conversation_id, digest, state, accepted_at, deadline, expires_at, traceparent,
                      status, released_at)
VALUES ($1, $2, $3, $4, 'released', $5, $6, $6, $7, $8, clock_timestamp())
ON CONFLICT (tenant, request_id) DO UPDATE
    SET state = 'released', status = $8, released_at = clock_timestamp()
    WHERE requests.state = 'pending' AND requests.digest = $4
RETURNING true
), put AS ({put_outbox(9, "released")})
SELECT EXISTS (SELECT 1 FROM released)
"""  # noqa: S608 - made of constants

_IS_ANOTHER = "SELECT digest <> $3 FROM requests WHERE tenant = $1 AND request_id = $2"
_TELL_CONFLICT = """
INSERT INTO conflicts (tenant, request_id, digest)
SELECT tenant, request_id, $3 FROM requests WHERE tenant = $1 AND request_id = $2 AND digest <> $3
ON CONFLICT DO NOTHING
RETURNING true
"""

# clock_timestamp() changes while a statement runs, so that no index can be searched for it.
_IS_ANY_OVERDUE = (
    "SELECT EXISTS (SELECT 1 FROM requests WHERE state = 'pending' AND expires_at < statement_timestamp())"
)

# Materialized, so that the rows are locked once; SKIP LOCKED lets several processes sweep side by side.
_EXPIRE = """
WITH due AS MATERIALIZED (
    SELECT tenant, request_id FROM requests
    WHERE state = 'pending' AND expires_at < statement_timestamp()
    ORDER BY expires_at LIMIT $1
    FOR UPDATE SKIP LOCKED
)
UPDATE requests r SET state = 'released', status = 'expired', released_at = clock_timestamp()
FROM due WHERE r.tenant = due.tenant AND r.request_id = due.request_id
RETURNING r.tenant, r.request_id, r.conversation_id, r.digest, r.deadline, r.accepted_at, r.traceparent
"""

_PURGE = """
WITH old AS MATERIALIZED (
    SELECT tenant, request_id FROM requests
    WHERE state = 'released' AND released_at < statement_timestamp() - $1::interval
    LIMIT 1000 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM requests r USING old WHERE r.tenant = old.tenant AND r.request_id = old.request_id RETURNING 1
)
SELECT count(*) FROM gone
"""
_PURGE_CONFLICTS = "DELETE FROM conflicts WHERE told_at < statement_timestamp() - $1::interval"


class PostgresLedger:
    """:class:`septet_eval.ports.Ledger` in the schema ``eval``.

    The compare-and-set is itself the proof against redelivery, so no inbox row is written.
    """

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    async def register(self, pending: Pending, conflict: Conflict) -> Settled:
        if await self._pool.fetchval(_REGISTER, *_columns(pending), tenant=pending.tenant):
            return Settled()
        return await self._taken(pending, conflict)

    async def release(self, pending: Pending, response: Response, conflict: Conflict) -> Settled:
        sealed = seal(self._pool, Emit("responses", response))
        if await self._pool.fetchval(
            _RELEASE, *_columns(pending), response.status, *sealed.row, tenant=pending.tenant
        ):
            return Settled([sealed], released=True)
        return await self._taken(pending, conflict)

    async def _taken(self, pending: Pending, conflict: Conflict) -> Settled:
        """The id is taken: by the same body, which is nothing new, or by another one, which is told so once."""
        body = (pending.tenant, pending.request_id, pending.digest)
        if not await self._pool.fetchval(_IS_ANOTHER, *body, tenant=pending.tenant):
            return Settled()
        async with self._unit(pending.tenant) as unit:
            if await unit.connection.fetchval(_TELL_CONFLICT, *body):
                await unit.emit(Emit("responses", conflict()))
        return Settled(unit.emits)

    async def expire(
        self, expiring: Callable[[Pending], AbstractContextManager[Response]], limit: int
    ) -> Sequence[Expired]:
        done: list[Expired] = []
        if not await self._pool.fetchval(_IS_ANY_OVERDUE, tenant=EVERY):
            return done
        async with self._unit(EVERY) as unit:
            for row in await unit.connection.fetch(_EXPIRE, limit):
                pending = _pending(row)
                with expiring(pending) as response:
                    await unit.emit(Emit("responses", response))
                    done.append(Expired(pending, response, unit.emits[-1], context.get_current()))
        return done

    async def purge(self, older_than: timedelta) -> int:
        total = 0
        while gone := await self._pool.fetchval(_PURGE, older_than, tenant=EVERY):
            total += gone
        await self._pool.execute(_PURGE_CONFLICTS, older_than, tenant=EVERY)
        return total

    @asynccontextmanager
    async def _unit(self, tenant: str) -> AsyncIterator[Unit]:
        async with self._pool.transaction(tenant) as connection:
            yield Unit(True, connection, self._pool)


def _columns(pending: Pending) -> tuple[object, ...]:
    return (
        pending.tenant, pending.request_id, pending.conversation_id, pending.digest, pending.accepted_at,
        pending.deadline, pending.traceparent,
    )  # fmt: skip


def _pending(row: asyncpg.Record) -> Pending:
    return Pending(**dict(row))
