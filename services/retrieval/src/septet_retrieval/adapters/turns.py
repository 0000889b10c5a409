"""Turns at the shared lexical index, taken as PostgreSQL advisory locks.

Two processes that apply a tenant's changes at once could bring a deleted passage back: each writes what it
read, in any order. One at a time, and in the store's order, they cannot. The same locks give a re-index its
moment: nothing is being applied while the alias moves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from septet_kit import Permanent
from septet_kit.store.pool import StorePool

_ALIAS = 7_370_739
_REINDEX = 7_370_740
_TENANTS = 73_707


class PostgresTurns:
    """Turns of all processes that share a database. Each holds one connection of the pool while it lasts.

    The locks are the session's, not a transaction's: an apply may take longer than a transaction may idle.
    """

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def applying(self, tenant: str) -> AsyncIterator[None]:
        """The turn to apply a tenant's changes to the index behind the alias.

        Raises:
            Transient: the database is not there, or the turn did not come within its time limit for locks.
        """
        async with self._holding() as connection:
            await connection.execute("SELECT pg_advisory_lock_shared($1)", _ALIAS)
            await connection.execute("SELECT pg_advisory_lock($1, hashtext($2))", _TENANTS, tenant)
            yield

    @asynccontextmanager
    async def moving(self) -> AsyncIterator[None]:
        """The turn to move the alias: nobody applies changes meanwhile.

        Raises:
            Transient: as for :meth:`applying`.
        """
        async with self._holding() as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", _ALIAS)
            yield

    @asynccontextmanager
    async def reindexing(self) -> AsyncIterator[None]:
        """The right to be the one re-index; a killed process loses it with its connection.

        Raises:
            Transient: the database is not there.
            Permanent: another process has it (code ``reindex_running``).
        """
        async with self._holding() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _REINDEX):
                raise Permanent(
                    "reindex_running", "another re-index of this database runs", fix="wait for it to end"
                )
            yield

    @asynccontextmanager
    async def _holding(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._pool.acquire() as connection:
            released = False
            try:
                yield connection
            finally:
                try:
                    await connection.execute("SELECT pg_advisory_unlock_all()")
                    released = True
                finally:
                    if not released:
                        # The pool must not lend a connection that may still hold a lock.
                        connection.terminate()
