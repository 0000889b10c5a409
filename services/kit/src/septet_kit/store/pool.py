"""Connection pools, one schema per service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import asyncpg

from septet_kit.errors import Outage, Transient
from septet_kit.namespace import LIVE, Namespace
from septet_kit.observe.logs import get_logger
from septet_kit.settings import KitSettings
from septet_kit.store.keepalive import SERVER_KEEPALIVE
from septet_kit.store.outbox import Outbox
from septet_kit.store.revision import require_revision
from septet_kit.store.tenancy import ALL_TENANTS, NO_TENANT, SETTING, TenantConnection, quote, set_tenant

# The server does not answer, does not accept connections yet, or accepts no writes.
_OUTAGE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)
# The server answered, and the same statement may succeed the next time.
_RETRYABLE = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.OutOfMemoryError,
    # A migration has changed a table under a prepared statement. asyncpg has dropped the cached statements of the pool
    # with the error, so the next try prepares them again; within a transaction it cannot do so itself.
    asyncpg.InvalidCachedStatementError,
    # A connection that the server's death met in the middle of an exchange, or types that a migration has changed
    # (OutdatedSchemaCacheError).
    asyncpg.InternalClientError,
)
TRANSIENT_ERRORS = (*_OUTAGE, *_RETRYABLE)

# The server's limit comes first, because it names the reason. The client's limit is for a server that does not answer.
_CLIENT_MARGIN = timedelta(seconds=5)
# asyncpg itself waits for a connection without a limit.
_CLOSE_S = 5.0
log = get_logger()


class StorePool:
    """Connection pool that maps connection loss to ``Transient`` and sets the tenant on each session.

    Every query names its tenant: :data:`ALL_TENANTS` for work on all tenants' rows, :data:`NO_TENANT` (the default) for
    tables without tenants. ``outbox`` is the outbox of the pool's schema.
    """

    def __init__(self, pool: asyncpg.Pool, instance: str, names: Namespace = LIVE) -> None:
        self._pool = pool
        self._names = names
        self.instance = instance
        self.outbox = Outbox(self, instance)

    @asynccontextmanager
    async def acquire(self, tenant: str = NO_TENANT) -> AsyncIterator[asyncpg.Connection]:
        """Borrow a connection that serves ``tenant``; each statement is a transaction of its own.

        A connection keeps its tenant, so only a change of tenants costs a round trip. For :data:`ALL_TENANTS` the block is a
        single transaction, so that the next borrower does not inherit the wide view.

        Raises:
            Outage: the server does not answer (code ``store_unavailable``).
            Transient: a statement failed, and may succeed the next time (the same code).
        """
        if tenant == ALL_TENANTS:
            async with self.transaction(ALL_TENANTS) as connection:
                yield connection
            return
        async with self._borrow() as connection:
            await connection.serve(tenant)
            yield connection

    @asynccontextmanager
    async def transaction(
        self, tenant: str, *local: str, lock: str | None = None
    ) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that serves ``tenant``, committed after the block and rolled back on an error.

        Args:
            tenant: whose rows it sees and writes.
            local: further settings of this transaction, as ``name = value``.
            lock: name of an advisory lock to hold until its end. All of these travel with ``BEGIN``, and cost no
                round trip.

        Raises:
            Outage, Transient: as :meth:`acquire`.
        """
        begin = ["BEGIN", set_tenant(tenant, local=True), *(f"SET LOCAL {s}" for s in local)]
        if lock is not None:
            # Advisory locks belong to the database, which all namespaces share.
            name = quote(self._names.qualify(lock))
            begin.append(f"SELECT pg_advisory_xact_lock(hashtextextended({name}, 0))")
        async with self._borrow() as connection:
            try:
                await connection.execute("; ".join(begin))
                yield connection
            except BaseException:
                await _roll_back(connection)
                raise
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def _borrow(self) -> AsyncIterator[TenantConnection]:
        try:
            async with self._pool.acquire() as connection:
                yield cast("TenantConnection", connection)
        except _OUTAGE as error:
            raise Outage("store_unavailable", f"PostgreSQL: {error!r}") from error
        except _RETRYABLE as error:
            raise Transient("store_unavailable", f"PostgreSQL: {error!r}") from error

    async def execute(self, query: str, *args: object, tenant: str = NO_TENANT) -> str:
        async with self.acquire(tenant) as connection:
            return str(await connection.execute(query, *args))

    async def executemany(
        self, query: str, rows: Iterable[Sequence[object]], *, tenant: str = NO_TENANT
    ) -> None:
        async with self.acquire(tenant) as connection:
            await connection.executemany(query, rows)

    async def fetch(self, query: str, *args: object, tenant: str = NO_TENANT) -> list[asyncpg.Record]:
        async with self.acquire(tenant) as connection:
            return list(await connection.fetch(query, *args))

    async def fetchrow(self, query: str, *args: object, tenant: str = NO_TENANT) -> asyncpg.Record | None:
        async with self.acquire(tenant) as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object, tenant: str = NO_TENANT) -> Any:
        async with self.acquire(tenant) as connection:
            return await connection.fetchval(query, *args)


async def _roll_back(connection: asyncpg.Connection) -> None:
    """Roll back a transaction that failed. A connection that cannot is closed, so that the next borrower does not
    inherit the transaction; the caller raises the original error."""
    if connection.is_closed():
        return
    try:
        await connection.execute("ROLLBACK")
    except TRANSIENT_ERRORS:
        connection.terminate()


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
    """Skip the reset of a returned connection, and its round trip. Its state is the tenant, which every borrower
    sets, and the settings of ``SET LOCAL``, which end with their transaction."""


@asynccontextmanager
async def open_pool(
    settings: KitSettings,
    schema: str,
    revision: str | None = None,
    *,
    wait_for_disk: bool = True,
    read_only: bool = False,
) -> AsyncIterator[StorePool]:
    """Open a pool on ``schema``, which must be at ``revision`` of its migrations or later (``None``: any).

    The schema is that of the settings' namespace. With ``read_only`` the server rejects every write. Without
    ``wait_for_disk`` a crash of the server may lose the last commits (up to three times its
    ``wal_writer_delay``), except for transactions with ``synchronous_commit = on``. It suits a schema whose content can
    be made again.

    Raises:
        Transient: the database cannot be reached (code ``store_unavailable``).
        Permanent: migrations are missing (code ``schema_behind``).
    """
    schema = settings.names.qualify(schema)
    session = _session(settings, schema, wait_for_disk)
    if read_only:
        session["default_transaction_read_only"] = "on"
    try:
        pool = await asyncpg.create_pool(
            settings.postgres_dsn.get_secret_value(),
            reset=_keep,
            min_size=1,
            max_size=settings.postgres_pool,
            init=_init,
            connection_class=TenantConnection,
            command_timeout=(settings.postgres_statement_timeout + _CLIENT_MARGIN).total_seconds(),
            server_settings=session,
        )
    except TRANSIENT_ERRORS as error:
        raise Transient(
            "store_unavailable", f"PostgreSQL: {error}", fix="check SEPTET_POSTGRES_DSN"
        ) from error
    try:
        store = StorePool(pool, settings.instance or schema, settings.names)
        if revision is not None:
            async with store.acquire() as connection:
                await require_revision(connection, schema, revision)
        yield store
    finally:
        await _close(pool)


async def _close(pool: asyncpg.Pool) -> None:
    """Close the pool; a connection that is not given back in time must not hold up the end of the process."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await pool.close()
    except TimeoutError:
        log.warning("connections did not close in time, cut them off", limit_s=_CLOSE_S)
        pool.terminate()


def _session(settings: KitSettings, schema: str, wait_for_disk: bool) -> dict[str, str]:
    """Settings of each session; time limits in milliseconds."""

    def milliseconds(limit: timedelta) -> str:
        return str(int(limit.total_seconds() * 1000))

    return {
        "search_path": f'"{schema}", public',
        "application_name": settings.instance or schema,
        "synchronous_commit": "on" if wait_for_disk else "off",
        SETTING: NO_TENANT,
        "statement_timeout": milliseconds(settings.postgres_statement_timeout),
        "lock_timeout": milliseconds(settings.postgres_lock_timeout),
        "idle_in_transaction_session_timeout": milliseconds(settings.postgres_idle_timeout),
        **SERVER_KEEPALIVE,
    }
