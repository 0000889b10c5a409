"""At most one process per instance name: claims and leases of previous processes rely on it."""

from __future__ import annotations

import asyncio

import asyncpg

from septet_kit.errors import Permanent, Transient
from septet_kit.observe.logs import get_logger
from septet_kit.store.keepalive import SERVER_KEEPALIVE, keep_alive
from septet_kit.store.pool import TRANSIENT_ERRORS

log = get_logger()

# Longer than the server keeps the session of a lost machine.
_PATIENCE_S = 20.0
_CONNECT_S = 5.0
_RETRY_S = 0.25
_CHECK_S = 2.0


class InstanceLock:
    """A session-level advisory lock on ``schema/instance``, held for the life of the process.

    The server releases the lock of a killed process at once, with its connection, and the lock of a process on a
    lost machine after the keepalive's limit. A second process of the same name does not get the lock, whether it
    was started by mistake or was paused and continues.
    """

    def __init__(self, dsn: str, schema: str, instance: str) -> None:
        self._dsn = dsn
        self._name = f"{schema}/{instance}"
        self._connection: asyncpg.Connection | None = None

    async def acquire(self) -> None:
        """Acquire the lock, waiting a while for a previous process to end.

        Raises:
            Permanent: another process holds it (code ``instance_taken``).
            Transient: the database does not answer (code ``store_unavailable``).
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE_S
        while not await self._try():
            if loop.time() > deadline:
                raise Permanent(
                    "instance_taken",
                    f"another process runs as {self._name}",
                    field="SEPTET_INSTANCE",
                    fix="give each process of a service its own SEPTET_INSTANCE",
                )
            await asyncio.sleep(_RETRY_S)

    async def guard(self) -> None:
        """Check the connection, and acquire the lock again when it is lost, until cancelled.

        Raises:
            Permanent: another process holds the lock.
        """
        while True:
            await asyncio.sleep(_CHECK_S)
            try:
                if self._connection is None:
                    raise asyncpg.InterfaceError("no connection")
                await self._connection.execute("SELECT 1", timeout=_CHECK_S)
            except TRANSIENT_ERRORS as error:
                log.warning("instance lock lost, acquiring it again", name=self._name, error=repr(error))
                await self.release()
                await self._acquire_again()

    async def release(self) -> None:
        """Release the lock with its connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _acquire_again(self) -> None:
        """Wait without a limit: while the database is down no other process can acquire the lock either."""
        while True:
            try:
                await self.acquire()
            except Transient:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _try(self) -> bool:
        try:
            connection = await asyncpg.connect(
                self._dsn, timeout=_CONNECT_S, command_timeout=_CONNECT_S, server_settings=SERVER_KEEPALIVE
            )
        except TRANSIENT_ERRORS as error:
            raise Transient("store_unavailable", f"PostgreSQL: {error!r}") from error
        try:
            keep_alive(connection)
            if await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", self._name):
                self._connection = connection
                return True
            await connection.close(timeout=_CONNECT_S)
        except TRANSIENT_ERRORS as error:
            raise Transient("store_unavailable", f"PostgreSQL: {error!r}") from error
        finally:
            if self._connection is not connection:
                connection.terminate()
        return False
