"""Disconnects clients that do not read.

uvicorn waits without a limit for a client that reads nothing, and so does the close of its connection. Each such client
would hold a connection, a place and the bytes of its answer.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import ClassVar, cast

from septet_kit.observe import get_logger
from uvicorn.protocols.http.auto import AutoHTTPProtocol

log = get_logger()


class _WriteLimit(asyncio.Protocol):
    """Aborts a connection when bytes wait to be sent and none of them was sent for ``limit`` seconds."""

    limit: ClassVar[float]
    _check: asyncio.TimerHandle | None = None
    _writer: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have :meth:`pause_writing` called whenever bytes wait, also after the last write of a response."""
        super().connection_made(transport)
        self._writer = cast(asyncio.Transport, transport)
        self._writer.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the check."""
        self._end_check()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to check: bytes wait to be sent."""
        super().pause_writing()
        self._check_later()

    def resume_writing(self) -> None:
        """End the check: all bytes were sent."""
        self._end_check()
        super().resume_writing()

    def _check_later(self) -> None:
        waiting = self._writer.get_write_buffer_size()
        self._check = asyncio.get_running_loop().call_later(self.limit, self._abort_if_stalled, waiting)

    def _abort_if_stalled(self, waited: int) -> None:
        if self._writer.get_write_buffer_size() < waited:
            self._check_later()
            return
        log.warning("a client does not read: disconnected", unsent_bytes=waited)
        self._writer.abort()

    def _end_check(self) -> None:
        if self._check is not None:
            self._check.cancel()
            self._check = None


def limited_protocol(limit: timedelta) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol, with a limit of the time in which a client reads nothing."""
    return type("LimitedProtocol", (_WriteLimit, AutoHTTPProtocol), {"limit": limit.total_seconds()})
