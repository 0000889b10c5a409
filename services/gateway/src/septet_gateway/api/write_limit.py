"""Disconnects clients that do not read.

uvicorn waits without a limit for a client that reads nothing, and so does the close of its connection. Each such client
would hold a connection, a place and the bytes of its answer.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from datetime import timedelta
from typing import ClassVar, cast

from septet_kit.observe import get_logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

log = get_logger()

# Linux accepts more bytes for a connection only when a third of its buffer is free, and its own size is up to some MB. A
# client that reads 4 KB/s shall make progress within the default limit.
_SEND_BUFFER = 128 * 1024
_PIECE = 32 * 1024


class Pieces:
    """Sends bodies in pieces, the next one when the connection takes more.

    A transport with TLS encrypts a body at once, and does not count the encrypted bytes as waiting.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_pieces(message: Message) -> None:
            body = message.get("body", b"")
            last = max(0, len(body) - 1) // _PIECE * _PIECE
            for start in range(0, last, _PIECE):
                await send({**message, "body": body[start : start + _PIECE], "more_body": True})
            await send({**message, "body": body[last:]} if last else message)

        await self._app(scope, receive, send_pieces)


class _WriteLimit(asyncio.Protocol):
    """Aborts a connection when bytes wait to be sent and none of them was sent for ``limit`` seconds."""

    limit: ClassVar[float]
    _check: asyncio.TimerHandle | None = None
    _writer: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have :meth:`pause_writing` called whenever bytes wait, also after the last write of a response."""
        super().connection_made(transport)
        self._writer = cast(asyncio.Transport, transport)
        # macOS refuses the option on a connection that the client has reset.
        with suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        # With TLS, asyncio pauses at the limit itself: 0 would pause without bytes.
        self._writer.set_write_buffer_limits(high=1)

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
        # More bytes may wait if a message is written in two parts: the first one pauses.
        if self._writer.get_write_buffer_size() != waited:
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
