"""API keys and published requests in the schema ``gateway``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta

import asyncpg
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS

from septet_gateway.domain.keys import ApiKey, digest_of, new_key
from septet_gateway.ports import Published

SCHEMA = "gateway"

_COLUMNS = ", ".join(f.name for f in fields(ApiKey))
# The tenant is not known before the key is.
_FIND_KEY = f"SELECT {_COLUMNS} FROM api_keys WHERE key_id = $1"  # noqa: S608 - column names of a dataclass
_LIST_KEYS = f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at"  # noqa: S608
_STORE_KEY = """
INSERT INTO api_keys (key_id, tenant, name, digest, scopes, expires_at, streams) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_REVOKE_KEY = (
    "UPDATE api_keys SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL RETURNING key_id"
)
_RECORD = """
INSERT INTO published (tenant, request_id, digest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING request_id
"""
_FIND_PUBLISHED = "SELECT digest, published_at FROM published WHERE tenant = $1 AND request_id = $2"
_PURGE = "DELETE FROM published WHERE published_at < now() - $1::interval"


class PostgresKeys:
    """The table of API keys."""

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    async def find(self, key_id: str) -> ApiKey | None:
        """The key with this id."""
        row = await self._pool.fetchrow(_FIND_KEY, key_id, tenant=ALL_TENANTS)
        return _key(row) if row is not None else None

    async def list(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        return [_key(row) for row in await self._pool.fetch(_LIST_KEYS, tenant=ALL_TENANTS)]

    async def create(
        self,
        tenant: str,
        name: str,
        scopes: Sequence[str],
        secret: bytes,
        expires_at: datetime | None = None,
        streams: int | None = None,
    ) -> str:
        """Create and store a key; returns it. Only its keyed hash is stored.

        Args:
            tenant: of the key.
            name: what the key is for.
            scopes: of the key.
            secret: of the keys' hashes.
            expires_at: when the key expires; ``None`` for never.
            streams: how many streams of the key may be in progress; ``None`` for the gateway's setting.
        """
        key_id, key = new_key()
        digest = digest_of(key, secret)
        await self._pool.execute(
            _STORE_KEY, key_id, tenant, name, digest, list(scopes), expires_at, streams, tenant=tenant
        )
        return key

    async def revoke(self, key_id: str) -> bool:
        """Revoke a key; ``False`` if there is no valid key with this id."""
        return await self._pool.fetchval(_REVOKE_KEY, key_id, tenant=ALL_TENANTS) is not None


class PostgresRequests:
    """The table of published requests."""

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    async def record(self, tenant: str, request_id: str, digest: str) -> Published | None:
        """Store a request. If its id exists, return what is stored."""
        if await self._pool.fetchval(_RECORD, tenant, request_id, digest, tenant=tenant) is not None:
            return None
        return await self.find(tenant, request_id)

    async def find(self, tenant: str, request_id: str) -> Published | None:
        """The request with this id."""
        row = await self._pool.fetchrow(_FIND_PUBLISHED, tenant, request_id, tenant=tenant)
        return Published(row["digest"], row["published_at"]) if row is not None else None

    async def purge(self, after: timedelta) -> int:
        """Delete requests that are older; returns their number."""
        done = await self._pool.execute(_PURGE, after, tenant=ALL_TENANTS)
        return int(done.rpartition(" ")[2])


def _key(row: asyncpg.Record) -> ApiKey:
    found = dict(row)
    return ApiKey(**{**found, "digest": bytes(found["digest"]), "scopes": tuple(found["scopes"])})
