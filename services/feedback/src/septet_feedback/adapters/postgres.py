"""What was shown and what waits for it, in the schema ``feedback``.

Feedback and its response travel on different topics, so both may be handled at the same time, by two
processes. Each takes the request's advisory lock for its transaction first: whoever comes second sees
what the first has written, and joins it.
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
# One round trip: keep what was shown, and take what has waited for it.
_REMEMBER = f"""
WITH kept AS (
    INSERT INTO shown ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (tenant, request_id) DO NOTHING
)
DELETE FROM pending WHERE tenant = $11 AND request_id = $12 RETURNING body, traceparent, received_at
"""  # noqa: S608 - column names of a dataclass of ours
_FIND = f"SELECT {_COLUMNS} FROM shown WHERE tenant = $1 AND request_id = $2"  # noqa: S608
_PARK = """
INSERT INTO pending (tenant, request_id, feedback_id, body, traceparent) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
_EXPIRE = (
    "DELETE FROM pending WHERE received_at < now() - $1::interval RETURNING tenant, request_id, feedback_id"
)
_FORGET = "DELETE FROM shown WHERE shown_at < now() - $1::interval"
_COUNT = "SELECT count(*) FROM pending"


@dataclass(frozen=True)
class Waiting:
    """Feedback that came before its answer, with the trace context of its own record."""

    feedback: FeedbackEvent
    traceparent: str | None


def lock_of(tenant: str, request_id: str) -> str:
    """Name of the lock of all transactions about one request."""
    return f"{tenant}\x1f{request_id}"


class Memory:
    """The tables as one transaction sees them."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def remember(self, shown: Shown) -> Sequence[Waiting]:
        """Keep what was shown (the first response of a request counts); remove and return what waited for it,
        oldest first."""
        rows = await self._connection.fetch(_REMEMBER, *astuple(shown), shown.tenant, shown.request_id)
        kind = topic("feedback")
        return [
            Waiting(decode(kind, bytes(r["body"])), r["traceparent"])
            for r in sorted(rows, key=lambda r: r["received_at"])
        ]

    async def find(self, tenant: str, request_id: str) -> Shown | None:
        """What was shown for a request of this tenant."""
        row = await self._connection.fetchrow(_FIND, tenant, request_id)
        return Shown(**{**row, "document_ids": tuple(row["document_ids"])}) if row is not None else None

    async def park(self, waiting: Waiting) -> None:
        """Keep feedback until its answer is known."""
        event = waiting.feedback
        await self._connection.execute(
            _PARK, event.tenant, event.request_id, event.feedback_id, encode(event), waiting.traceparent
        )


@dataclass(frozen=True)
class Unmatched:
    """Feedback for a request that nobody ever answered."""

    tenant: str
    request_id: str
    feedback_id: str


async def expire(pool: StorePool, after: timedelta) -> Sequence[Unmatched]:
    """Give up on feedback that has waited longer than ``after``."""
    return [Unmatched(**row) for row in await pool.fetch(_EXPIRE, after, tenant=ALL_TENANTS)]


async def forget(pool: StorePool, after: timedelta) -> None:
    """Remove answers that were shown longer ago than ``after``."""
    await pool.execute(_FORGET, after, tenant=ALL_TENANTS)


async def waiting_count(pool: StorePool) -> int:
    """How much feedback waits for its answer."""
    return int(await pool.fetchval(_COUNT, tenant=ALL_TENANTS))
