"""The service's own tables."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from septet_kit.errors import Transient
from septet_kit.observe import get_logger
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import EVERY

log = get_logger()

SCHEMA = "generation"

_NEXT = """
INSERT INTO stream_epochs AS e (tenant, request_id) VALUES ($1, $2)
ON CONFLICT (tenant, request_id) DO UPDATE SET epoch = e.epoch + 1, touched_at = now()
RETURNING epoch
"""
_PURGE = "DELETE FROM stream_epochs WHERE touched_at < now() - $1::interval"


class PostgresEpochs:
    """Counts the tries of streamed answers. See :class:`septet_generation.ports.Epochs`."""

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    async def next(self, tenant: str, request_id: str) -> int:
        """The number of this try, which no crash may give out again: chunks are told apart by it."""
        async with self._pool.transaction(tenant, "synchronous_commit = on") as connection:
            epoch: int = await connection.fetchval(_NEXT, tenant, request_id)
        return epoch

    async def purge(self, older_than: timedelta) -> None:
        """Forget requests that nobody streams any more."""
        await self._pool.execute(_PURGE, older_than, tenant=EVERY)

    async def purge_forever(self, older_than: timedelta, every: timedelta) -> None:
        """Background task: purge now and again; a lost database is waited for."""
        while True:
            try:
                await self.purge(older_than)
            except Transient as error:
                log.warning("purge failed, trying again", error=error.message)
            await asyncio.sleep(every.total_seconds())
