"""Answers and the feedback that waits for them, in the schema ``feedback``.

Feedback and its release event are on different topics, so two processes may handle them at the same time. Each
transaction acquires the advisory lock of its request first. The second one then sees the row of the first and joins it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import timedelta

import asyncpg
from septet_contracts import FeedbackEvent, decode, encode, topic
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS

from septet_feedback.domain.shown import Shown

SCHEMA = "feedback"

_COLUMNS = ", ".join(f.name for f in fields(Shown))
# One round trip: store the answer, and take the feedback that waited for it.
_STORE = f"""
WITH kept AS (
    INSERT INTO shown ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (tenant, request_id) DO NOTHING
)
DELETE FROM pending WHERE tenant = $12 AND request_id = $13 RETURNING body, traceparent, received_at
"""  # noqa: S608 - column names of a dataclass of this service
_FIND = f"SELECT {_COLUMNS} FROM shown WHERE tenant = $1 AND request_id = $2"  # noqa: S608
_WAIT = """
INSERT INTO pending (tenant, request_id, feedback_id, body, traceparent) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
_DROP_UNMATCHED = (
    "DELETE FROM pending WHERE received_at < now() - $1::interval RETURNING tenant, request_id, feedback_id"
)
_DELETE_ANSWERS = "DELETE FROM shown WHERE shown_at < now() - $1::interval"
_COUNT = "SELECT count(*) FROM pending"


@dataclass(frozen=True)
class Waiting:
    """Feedback that arrived before its answer, with the trace context of its own record."""

    feedback: FeedbackEvent
    traceparent: str | None


def lock_of(tenant: str, request_id: str) -> str:
    """Name of the lock that all transactions of one request acquire."""
    return f"{tenant}\x1f{request_id}"


class JoinTables:
    """The tables of answers and waiting feedback, within one transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def store(self, shown: Shown) -> Sequence[Waiting]:
        """Store an answer, and remove and return the feedback that waited for it, oldest first.

        A second answer of the same request is ignored.
        """
        rows = await self._connection.fetch(_STORE, *astuple(shown), shown.tenant, shown.request_id)
        kind = topic("feedback")
        return [
            Waiting(decode(kind, bytes(r["body"])), r["traceparent"])
            for r in sorted(rows, key=lambda r: r["received_at"])
        ]

    async def find(self, tenant: str, request_id: str) -> Shown | None:
        """The answer to a request of this tenant."""
        row = await self._connection.fetchrow(_FIND, tenant, request_id)
        return Shown(**{**row, "document_ids": tuple(row["document_ids"])}) if row is not None else None

    async def wait(self, waiting: Waiting) -> None:
        """Store feedback until its answer arrives."""
        event = waiting.feedback
        await self._connection.execute(
            _WAIT, event.tenant, event.request_id, event.feedback_id, encode(event), waiting.traceparent
        )


@dataclass(frozen=True)
class Unmatched:
    """Feedback whose answer never arrived."""

    tenant: str
    request_id: str
    feedback_id: str


async def drop_unmatched(pool: StorePool, after: timedelta) -> Sequence[Unmatched]:
    """Delete feedback that has waited longer than ``after``; returns it."""
    return [Unmatched(**row) for row in await pool.fetch(_DROP_UNMATCHED, after, tenant=ALL_TENANTS)]


async def delete_answers(pool: StorePool, after: timedelta) -> None:
    """Delete answers that were shown longer ago than ``after``."""
    await pool.execute(_DELETE_ANSWERS, after, tenant=ALL_TENANTS)


async def waiting_count(pool: StorePool) -> int:
    """Number of feedback events that wait for their answer."""

    return int(await pool.fetchval(_COUNT, tenant=ALL_TENANTS))
