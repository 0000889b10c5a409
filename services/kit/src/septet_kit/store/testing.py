"""Pools for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg
from pydantic import SecretStr

from septet_kit.settings import KitSettings
from septet_kit.store.pool import StorePool, open_pool
from septet_kit.store.schema import TABLES, TENANTS


@asynccontextmanager
async def schema_pool(
    owner_dsn: str, service_dsn: str, schema: str, *, connections: int = 10
) -> AsyncIterator[StorePool]:
    """A pool on a service's migrated and emptied schema, with the service's own role and its restrictions.

    Args:
        owner_dsn: of the role that owns the schemas.
        service_dsn: of the service's role.
        schema: the service's name.
        connections: the most that the pool opens.
    """
    await empty(owner_dsn, schema)
    settings = KitSettings(
        postgres_dsn=SecretStr(service_dsn), postgres_pool=connections, instance=f"{schema}-0"
    )
    async with open_pool(settings, schema) as pool:
        yield pool


async def empty(owner_dsn: str, schema: str) -> None:
    """Truncate every table of a schema."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname = $1 AND tablename <> 'alembic_version'",
            schema,
        )
        if tables:
            await connection.execute(f"TRUNCATE {', '.join(t['name'] for t in tables)}")
    finally:
        await connection.close()


@asynccontextmanager
async def bare_pool(
    settings: KitSettings, schema: str, statements: Iterable[str] = ()
) -> AsyncIterator[StorePool]:
    """A pool on a new schema with the kit's tables and those of ``statements``, without a service."""
    connection = await asyncpg.connect(settings.postgres_dsn.get_secret_value())
    try:
        async with connection.transaction():
            await connection.execute(f'CREATE SCHEMA "{schema}"; SET LOCAL search_path = "{schema}", public')
            for statement in (*TABLES, *TENANTS, *statements):
                await connection.execute(statement)
    finally:
        await connection.close()
    async with open_pool(settings, schema) as pool:
        yield pool


async def loaded(owner_dsn: str, schema: str, statements: Iterable[str]) -> None:
    """Run statements as a schema's owner, without row-level security, and refresh the planner's statistics."""
    connection = await asyncpg.connect(owner_dsn, server_settings={"search_path": f"{schema}, public"})
    try:
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
