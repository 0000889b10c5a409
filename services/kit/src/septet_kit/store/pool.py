"""Connection pools, one schema per service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, cast
from uuid import UUID

import asyncpg

from septet_kit.errors import Transient
from septet_kit.settings import KitSettings

TRANSIENT_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)

_SETUP_LOCK = 7_370_737


class StorePool:
    """A connection pool that speaks of a lost database as ``Transient``, and that knows whose it is.

    ``sent_ids`` gathers outbox rows that the broker has, until they are marked in one statement; ``unacked``
    holds those that the producer has and the broker has not confirmed.
    """

    def __init__(self, pool: asyncpg.Pool, instance: str) -> None:
        self._pool = pool
        self.instance = instance
        self.sent_ids: list[UUID] = []
        self.unacked: set[UUID] = set()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """Borrow a connection.

        Raises:
            Transient: it, or a statement on it, failed for a reason that passes (code ``store_unavailable``).
        """
        try:
            async with self._pool.acquire() as connection:
                yield cast("asyncpg.Connection", connection)
        except TRANSIENT_ERRORS as error:
            raise Transient("store_unavailable", f"PostgreSQL: {error!r}") from error

    async def execute(self, query: str, *args: object) -> str:
        async with self.acquire() as connection:
            return str(await connection.execute(query, *args))

    async def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        async with self.acquire() as connection:
            await connection.executemany(query, rows)

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        async with self.acquire() as connection:
            return list(await connection.fetch(query, *args))

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(query, *args)


async def _has_vector(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT 1 FROM pg_extension WHERE extname = 'vector'"))


async def _init(connection: asyncpg.Connection) -> None:
    if await _has_vector(connection):
        from pgvector.asyncpg import register_vector

        schema = await connection.fetchval(
            "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
            " WHERE e.extname = 'vector'"
        )
        await register_vector(connection, schema=schema)


async def _keep(_: asyncpg.Connection) -> None:
    """Session state is only ever set with ``SET LOCAL``, so a connection needs no reset, and no round trip
    for one, when it is given back."""


async def _set_up(dsn: str, schema: str, ddl: str) -> None:
    """Create the schema and its tables; safe to run by many processes at once."""
    kit_tables = (files("septet_kit.store") / "tables.sql").read_text(encoding="utf-8")
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _SETUP_LOCK)
            await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            await connection.execute(f'SET LOCAL search_path = "{schema}", public')
            await connection.execute(kit_tables)
            if ddl.strip():
                await connection.execute(ddl)
    finally:
        await connection.close()


@asynccontextmanager
async def open_pool(settings: KitSettings, schema: str, ddl: str = "") -> AsyncIterator[StorePool]:
    """Open a pool on ``schema``, whose tables (the chassis' and ``ddl``, idempotent SQL) exist afterwards.

    Raises:
        Transient: the database cannot be reached (code ``store_unavailable``).
    """
    dsn = settings.postgres_dsn.get_secret_value()
    try:
        await _set_up(dsn, schema, ddl)
        pool = await asyncpg.create_pool(
            dsn, reset=_keep, min_size=1, max_size=settings.postgres_pool, init=_init, command_timeout=15,
            server_settings={
                "search_path": f"{schema}, public", "statement_timeout": "10000", "application_name": schema,
            },
        )  # fmt: skip
    except TRANSIENT_ERRORS as error:
        raise Transient(
            "store_unavailable", f"PostgreSQL: {error}", fix="check SEPTET_POSTGRES_DSN"
        ) from error
    try:
        yield StorePool(pool, settings.instance or schema)
    finally:
        await pool.close()
