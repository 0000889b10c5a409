"""A stateful step: inbox row, effect and outbox rows in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from septet_kit.events import Emit
from septet_kit.store.outbox_event import OutboxEmit, put_outbox
from septet_kit.store.pool import StorePool

_SEE = "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
_PUT = put_outbox()


def seal(pool: StorePool, emit: Emit) -> OutboxEmit:
    """As :meth:`septet_kit.store.outbox.Outbox.seal`, for the outbox of a pool."""
    return pool.outbox.seal(emit)


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

    After the block, ``unit.emits`` is what the handler returns. On a redelivery it is empty; the outbox sends the
    rows that a crash left unsent, after it has looked for them on the log.

    Raises:
        Transient: the database is not there (code ``store_unavailable``).
    """
    async with pool.transaction(tenant, lock=lock) as connection:
        row = await connection.fetchrow(_SEE, consumer, cause)
        yield Unit(row is not None, connection, pool)
