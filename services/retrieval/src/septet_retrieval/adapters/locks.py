"""Locks of the shared lexical index, as PostgreSQL advisory locks.

Two processes that apply a tenant's changes concurrently could restore a deleted passage, because each writes what
it read earlier. The lock makes them apply changes one at a time, in the store's order. A re-index uses the same
locks: no process applies changes while the alias moves.
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


class PostgresLocks:
    """Locks across all processes of a database. A held lock occupies one connection of the pool.

    The locks belong to the session, not to a transaction, because applying changes may take longer than the idle
    timeout of transactions.
    """

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def apply_lock(self, tenant: str) -> AsyncIterator[None]:
        """Hold the lock for applying a tenant's changes to the index behind the alias.

        Raises:
            Transient: the database is down, or the lock timeout passed.
        """
        async with self._session() as connection:
            await connection.execute("SELECT pg_advisory_lock_shared($1)", _ALIAS)
            await connection.execute("SELECT pg_advisory_lock($1, hashtext($2))", _TENANTS, tenant)
            yield

    @asynccontextmanager
    async def alias_lock(self) -> AsyncIterator[None]:
        """Hold the lock for moving the alias. It excludes every :meth:`apply_lock`.

        Raises:
            Transient: the database is down, or the lock timeout passed.
        """
        async with self._session() as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", _ALIAS)
            yield

    @asynccontextmanager
    async def reindex_lock(self) -> AsyncIterator[None]:
        """Hold the lock that allows one re-index at a time. A killed process loses it with its connection.

        Raises:
            Transient: the database is down.
            Permanent: another process holds it (code ``reindex_running``).
        """
        async with self._session() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _REINDEX):
                message = "another re-index of this database is running"
                raise Permanent("reindex_running", message, fix="wait for it to end")
            yield

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[asyncpg.Connection]:
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
                        # The pool must not reuse a connection that may still hold a lock.
                        connection.terminate()
