"""The ledger of costly work: each result is paid for once and returned on every later call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from septet_kit.errors import Transient
from septet_kit.observe.logs import get_logger
from septet_kit.store.claim import earlier_lives, holder
from septet_kit.store.pool import StorePool

log = get_logger()

_POLL_S = 0.2

# Acquires the lease if the key is new, the lease has expired, its holder is a previous process of this instance, or
# this process holds it without working on it ($5; the reply to an earlier claim was lost). Returns the row after that.
_CLAIM = """
WITH taken AS (
    INSERT INTO ledger (key, claimed_by, leased_until) VALUES ($1, $2, now() + $4)
    ON CONFLICT (key) DO UPDATE SET claimed_by = $2, leased_until = now() + $4
        WHERE ledger.result IS NULL
          AND (ledger.leased_until < now() OR (ledger.claimed_by LIKE $3 AND ledger.claimed_by <> $2)
               OR (ledger.claimed_by = $2 AND NOT $5))
    RETURNING true
)
SELECT (SELECT count(*) FROM taken) = 1 AS mine, (SELECT result FROM ledger WHERE key = $1) AS result
"""
# The claim may be lost: a pool that does not wait for the disk loses it in a crash of the server.
_STORE = """
INSERT INTO ledger (key, claimed_by, leased_until, result) VALUES ($1, $2, now(), $3)
ON CONFLICT (key) DO UPDATE SET result = $3 WHERE ledger.claimed_by = $2 AND ledger.result IS NULL
RETURNING true
"""
_READ = "SELECT result FROM ledger WHERE key = $1"
_RENEW = "UPDATE ledger SET leased_until = now() + $3 WHERE key = $1 AND claimed_by = $2 AND result IS NULL"
_DROP = "DELETE FROM ledger WHERE key = $1 AND claimed_by = $2 AND result IS NULL"


class Ledger:
    """Results of costly work by key, in the ``ledger`` table of a pool's schema."""

    def __init__(self, pool: StorePool, instance: str) -> None:
        self._pool = pool
        self._instance = instance
        self._working: set[str] = set()

    async def run(
        self, key: str, work: Callable[[], Awaitable[bytes]], lease: timedelta, *, tenant: str
    ) -> tuple[bytes, bool]:
        """Return the result of ``tenant`` under ``key``; runs ``work`` first if there is none.

        Returns the result and whether it was replayed. While another process holds the lease, waits for it.
        The lease is renewed while ``work`` runs, so it may be short: it only bounds how long others wait for a
        process that has died. A failure of ``work`` frees the key.

        Raises:
            Transient: the database is not there, or the lease was lost to another process meanwhile.
        """
        me = holder(self._instance)
        while True:
            busy = key in self._working
            row = await self._pool.fetchrow(
                _CLAIM, key, me, earlier_lives(self._instance), lease, busy, tenant=tenant
            )
            if row is not None and row["result"] is not None:
                return bytes(row["result"]), True
            if row is not None and row["mine"] and key not in self._working:
                break
            await asyncio.sleep(_POLL_S)
        self._working.add(key)
        renewal = asyncio.create_task(self._renew(tenant, key, me, lease))
        try:
            return await self._do(tenant, key, me, work), False
        finally:
            renewal.cancel()
            self._working.discard(key)

    async def _do(self, tenant: str, key: str, me: str, work: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            result = await work()
        except BaseException:
            await asyncio.shield(self._drop(tenant, key, me))
            raise
        if not await self._store(tenant, key, me, result):
            raise Transient("lease_lost", f"another process took over {key}")
        return result

    async def _store(self, tenant: str, key: str, me: str, result: bytes) -> bool:
        """Store a paid result; a short database outage must not lose it."""
        while True:
            try:
                if await self._pool.fetchval(_STORE, key, me, result, tenant=tenant):
                    return True
                row = await self._pool.fetchrow(_READ, key, tenant=tenant)
                return row is not None and row["result"] == result
            except Transient as error:
                log.warning("result not kept, trying again", key=key, error=error.message)
                await asyncio.sleep(_POLL_S)

    async def _renew(self, tenant: str, key: str, me: str, lease: timedelta) -> None:
        while True:
            await asyncio.sleep(lease.total_seconds() / 3)
            try:
                await self._pool.execute(_RENEW, key, me, lease, tenant=tenant)
            except Transient as error:
                log.warning("lease not renewed, trying again", key=key, error=error.message)

    async def _drop(self, tenant: str, key: str, me: str) -> None:
        try:
            await self._pool.execute(_DROP, key, me, tenant=tenant)
        except Transient as error:
            log.warning("lease not freed, it runs out by itself", key=key, error=error.message)
