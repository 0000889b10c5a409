"""Epochs on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS

SCHEMA = "generation"

_NEXT = """
INSERT INTO stream_epochs AS e (tenant, request_id) VALUES ($1, $2)
ON CONFLICT (tenant, request_id) DO UPDATE SET epoch = e.epoch + 1, touched_at = now()
RETURNING epoch
"""
_PURGE = "DELETE FROM stream_epochs WHERE touched_at < now() - $1::interval"


class PostgresEpochs:
    """See :class:`septet_generation.ports.Epochs`."""

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    async def next(self, tenant: str, request_id: str) -> int:
        """Return the next epoch. The commit is synchronous: a crash must not lead to the same epoch twice."""
        async with self._pool.transaction(tenant, "synchronous_commit = on") as connection:
            epoch: int = await connection.fetchval(_NEXT, tenant, request_id)
        return epoch

    async def purge(self, older_than: timedelta) -> None:
        """Delete the epochs of requests that were not streamed for ``older_than``."""
        await self._pool.execute(_PURGE, older_than, tenant=ALL_TENANTS)
