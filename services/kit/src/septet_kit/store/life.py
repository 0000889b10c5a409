"""At most one process of an instance's name: what claims and leases of earlier lives rest on."""

from __future__ import annotations

import asyncio
import time

import asyncpg

from septet_kit.errors import Permanent
from septet_kit.observe.logs import get_logger
from septet_kit.store.pool import TRANSIENT_ERRORS

log = get_logger()

_PATIENCE_S = 20.0
_RETRY_S = 0.25
_CHECK_S = 2.0


class Life:
    """A session-level advisory lock on ``schema/instance``, held for as long as the process lives.

    A process that was killed loses it with its connection, at once. A second process of the same name does
    not get it, whether it was started by mistake or is a paused one that came back.
    """

    def __init__(self, dsn: str, schema: str, instance: str) -> None:
        self._dsn = dsn
        self._name = f"{schema}/{instance}"
        self._connection: asyncpg.Connection | None = None

    async def acquire(self) -> None:
        """Take the lock, waiting a while for an earlier process to end.

        Raises:
            Permanent: another process of this name lives (code ``instance_taken``).
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not await self._try():
            if time.monotonic() > deadline:
                raise Permanent(
                    "instance_taken", f"another process runs as {self._name}", field="SEPTET_INSTANCE",
                    fix="give each process of a service its own SEPTET_INSTANCE",
                )  # fmt: skip
            await asyncio.sleep(_RETRY_S)

    async def guard(self) -> None:
        """Notice a lost connection and take the lock again, until cancelled.

        Raises:
            Permanent: another process has it now.
        """
        while True:
            await asyncio.sleep(_CHECK_S)
            try:
                if self._connection is None:
                    raise asyncpg.InterfaceError("no connection")
                await self._connection.execute("SELECT 1", timeout=_CHECK_S)
            except TRANSIENT_ERRORS as error:
                log.warning("lock of the instance lost, taking it again", name=self._name, error=repr(error))
                await self.release()
                await self._until_back()

    async def release(self) -> None:
        """Give the lock up with its connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _until_back(self) -> None:
        """While the database is down nobody else can take the lock either: wait for it without a limit."""
        while True:
            try:
                await self.acquire()
            except TRANSIENT_ERRORS:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _try(self) -> bool:
        connection = await asyncpg.connect(self._dsn, timeout=5)
        if await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", self._name):
            self._connection = connection
            return True
        await connection.close()
        return False
