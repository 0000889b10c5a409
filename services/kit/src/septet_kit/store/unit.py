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
_COLUMNS = ("event_id", "topic", "key", "value", "headers", "claimed_by", "claimed_until")
_TYPES = ("uuid", "text", "bytea", "bytea", "jsonb", "text", "interval")
OUTBOX_PARAMETERS = len(_TYPES)
"""How many parameters an outbox row takes."""


def put_outbox(first: int = 1, source: str | None = None) -> str:
    """SQL that writes an outbox row from :attr:`OutboxEmit.row`, which are its parameters from ``$first`` on.

    With ``source``, it is written only if that table, or part of the same statement, has a row: an effect and its
    event are then one statement, which is one round trip and one transaction.
    """
    *given, claim = (f"${n}::{kind}" for n, kind in enumerate(_TYPES, first))
    return (
        f"INSERT INTO outbox ({', '.join(_COLUMNS)}) "  # noqa: S608 - names above
        f"SELECT {', '.join(given)}, clock_timestamp() + {claim}"
        f"{f' FROM {source}' if source else ''} ON CONFLICT (event_id) DO NOTHING"
    )


_PUT = put_outbox()


@dataclass(frozen=True, kw_only=True)
class OutboxEmit(Emit):
    """An event whose outbox row this process claims; see :func:`seal`."""

    pool: StorePool
    stored: bytes
    headers: str
    not_after: float
    trace_context: OtelContext
    id: UUID

    @property
    def address(self) -> str:
        """The topic's full name, which may be the tenant's own."""
        return self.pool.tenants.address(self.topic, self.tenant)

    @property
    def row(self) -> tuple[object, ...]:
        """What :func:`put_outbox` writes."""
        mine = holder(self.pool.instance)
        return self.id, self.address, self.record_key, self.stored, self.headers, mine, CLAIM

    def to_record(self) -> Record:
        """The row as a record."""
        return outbox_record(
            self.pool, self.id, self.address, self.record_key, self.stored,
            not_after=self.not_after, trace_context=self.trace_context,
        )  # fmt: skip


def seal(pool: StorePool, emit: Emit) -> OutboxEmit:
    """Make an event ready for the outbox: its bytes, its trace context and its claim are fixed from here on.

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
    return OutboxEmit(
        topic=emit.topic, event=emit.event, key=emit.key, pool=pool, stored=value, headers=json.dumps(carrier),
        not_after=time.monotonic() + (CLAIM - CLAIM_MARGIN).total_seconds(),
        trace_context=otel_context.get_current(), id=UUID(emit.event_id),
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
            ValueError, Permanent: as :func:`seal`.
        """
        sealed = seal(self.pool, emit)
        await self.connection.execute(_PUT, *sealed.row)
        self.emits.append(sealed)


@asynccontextmanager
async def once(
    pool: StorePool, cause: UUID, consumer: str, *, tenant: str, lock: str | None = None
) -> AsyncIterator[Unit]:
    """Open the transaction in which ``consumer`` handles ``tenant``'s event ``cause``, at most once.

    With ``lock``, it first waits for any other transaction with this lock.

    After the block, ``unit.emits`` is what the handler returns; on a redelivery it is empty, and rows that a
    crash left unsent are the sweeper's, which looks on the log before it sends.

    Raises:
        Transient: the database is not there (code ``store_unavailable``).
    """
    async with pool.transaction(tenant, lock=lock) as connection:
        row = await connection.fetchrow(_SEE, consumer, cause)
        yield Unit(row is not None, connection, pool)
