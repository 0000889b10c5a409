"""A stateful step: inbox row, effect and outbox rows in one transaction."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from opentelemetry import context as otel_context
from opentelemetry import propagate
from opentelemetry.context import Context as OtelContext

from septet_kit.errors import Permanent
from septet_kit.events import Emit
from septet_kit.messaging.publisher import Record
from septet_kit.store.claim import CLAIM, CLAIM_MARGIN, holder
from septet_kit.store.outbox import outbox_record
from septet_kit.store.pool import StorePool

_MAX_VALUE = 2 * 1024 * 1024 - 65_536

_SEE = "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
_PUT = """
INSERT INTO outbox (event_id, topic, key, value, headers, claimed_by, claimed_until)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7) ON CONFLICT (event_id) DO NOTHING
"""


@dataclass(frozen=True)
class OutboxEmit(Emit):
    """An event whose outbox row this process has claimed."""

    stored: bytes = b""
    not_after: float = 0.0
    pool: StorePool | None = None
    trace_context: OtelContext | None = None

    def to_record(self) -> Record:
        """The row as a record.

        Raises:
            ValueError: it was not made by a unit.
        """
        if self.pool is None or self.event_id is None:
            raise ValueError("an outbox event comes from a unit")
        return outbox_record(
            self.pool, UUID(self.event_id), self.pool.tenants.address(self.topic, self.tenant), self.record_key, self.stored,
            not_after=self.not_after, trace_context=self.trace_context,
        )  # fmt: skip


@dataclass
class Unit:
    """One transaction. Do nothing when ``first`` is false: the effect is there already."""

    first: bool
    connection: asyncpg.Connection
    pool: StorePool
    emits: list[Emit] = field(default_factory=list)

    async def emit(self, emit: Emit) -> None:
        """Add an event to the outbox, in this transaction.

        Raises:
            ValueError: the event has no event id.
            Permanent: the event is larger than topics take (code ``event_too_large``).
        """
        if emit.event_id is None:
            raise ValueError("an event without event_id cannot go through the outbox")
        value = emit.value
        if len(value) > _MAX_VALUE:
            raise Permanent("event_too_large", f"{emit.topic}: the event has {len(value)} bytes")
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        not_after = time.monotonic() + (CLAIM - CLAIM_MARGIN).total_seconds()
        await self.connection.execute(
            _PUT, UUID(emit.event_id), self.pool.tenants.address(emit.topic, emit.tenant), emit.record_key, value,
            json.dumps(carrier), holder(self.pool.instance), CLAIM,
        )  # fmt: skip
        self.emits.append(
            OutboxEmit(
                emit.topic, emit.event, emit.key, value, not_after, self.pool, otel_context.get_current()
            )
        )  # fmt: skip


@asynccontextmanager
async def once(pool: StorePool, cause: UUID, consumer: str, *, tenant: str) -> AsyncIterator[Unit]:
    """Open the transaction in which ``consumer`` handles ``tenant``'s event ``cause``, at most once.

    After the block, ``unit.emits`` is what the handler returns; on a redelivery it is empty, and rows that a
    crash left unsent are the sweeper's, which looks on the log before it sends.

    Raises:
        Transient: the database is not there (code ``store_unavailable``).
    """
    async with pool.transaction(tenant) as connection:
        row = await connection.fetchrow(_SEE, consumer, cause)
        yield Unit(row is not None, connection, pool)
