"""Calls in progress, and how they end when the client closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from septet_client.errors import Closed


class Calls:
    """Runs the calls of an open client. Closing ends each of them with :class:`Closed`."""

    def __init__(self) -> None:
        self._is_open = False
        self._running: dict[asyncio.Timeout, asyncio.Future[None]] = {}

    def open(self) -> None:
        """Accept calls."""
        self._is_open = True

    async def close(self) -> None:
        """Reject further calls, cancel those in progress, and wait until they have ended."""
        self._is_open = False
        for scope in self._running:
            if scope.when() is None:
                scope.reschedule(asyncio.get_running_loop().time())
        if self._running:
            await asyncio.wait(list(self._running.values()))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run a block as a call.

        Raises:
            Closed: the client is not open, or closes before the block ends.
        """
        if not self._is_open:
            raise Closed("open the client with `async with`")
        # A timeout without a limit: closing sets the limit. It tells this cancellation from that of the caller.
        scope, ended = asyncio.timeout(None), asyncio.get_running_loop().create_future()
        try:
            async with scope:
                self._running[scope] = ended
                yield
        except TimeoutError as error:
            if not scope.expired():
                raise
            raise Closed("the client was closed before the call ended") from error
        finally:
            del self._running[scope]
            ended.set_result(None)
