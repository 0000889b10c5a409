"""Clients on connections with the buffers of production, on both event loops, with and without TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import uvicorn
import uvloop
from septet_gateway.api.write_limit import Pieces, limited_protocol
from septet_kit.observe.health import Server
from septet_native.credentials.certificates import Certificates

from .test_gateway_write_limit import until

LIMIT_S = 1.0
# More than the kernel's buffers of both sides take.
SIZE = 12 * 1024 * 1024
BYTES_A_SECOND = 600_000
STEADY_S = 3.5
LOOPS: tuple[Callable[[Coroutine[Any, Any, None]], None], ...] = (asyncio.run, uvloop.run)


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    """One large body."""
    headers = [(b"content-length", str(SIZE).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(SIZE)})


@asynccontextmanager
async def serving(certificates: Certificates | None) -> AsyncIterator[tuple[Server, int]]:
    """A server of :func:`answer`, and its port."""
    protocol = limited_protocol(timedelta(seconds=LIMIT_S))
    certificate = certificates.server if certificates else None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            Pieces(answer), http=protocol, log_level="error", lifespan="off", ssl_certfile=certificate
        )
        server = Server(config)
        running = asyncio.ensure_future(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        try:
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await running


def ask(port: int, certificates: Certificates | None) -> socket.socket:
    """A connection on which a call was sent."""
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    if certificates:
        context = ssl.create_default_context(cafile=certificates.authority)
        client = context.wrap_socket(client, server_hostname="127.0.0.1")
    client.sendall(b"GET / HTTP/1.1\r\nhost: septet\r\n\r\n")
    return client


def read_steadily(port: int, certificates: Certificates | None) -> int:
    """Read at one rate for a while, then the rest; returns the number of bytes."""
    received, began = 0, time.monotonic()
    with ask(port, certificates) as client, contextlib.suppress(OSError):
        while received < SIZE and (some := client.recv(BYTES_A_SECOND // 20)):
            received += len(some)
            if time.monotonic() - began < STEADY_S:
                time.sleep(max(0.0, began + received / BYTES_A_SECOND - time.monotonic()))
    return received


async def on_all_connections(
    check: Callable[[Certificates | None], Coroutine[Any, Any, None]], certificates: Certificates
) -> None:
    """Run a check on each event loop, with and without TLS, at the same time."""
    runs = [(run, tls) for run in LOOPS for tls in (None, certificates)]
    await asyncio.gather(*(asyncio.to_thread(run, check(tls)) for run, tls in runs))


async def test_a_client_that_reads_steadily_is_not_disconnected(certificates: Certificates) -> None:
    """The buffer of a connection may hold what the client reads in several limits."""

    async def check(tls: Certificates | None) -> None:
        async with serving(tls) as (_, port):
            received = await asyncio.to_thread(read_steadily, port, tls)
            assert received >= SIZE, (tls, received)

    await on_all_connections(check, certificates)


async def test_a_client_that_never_reads_is_disconnected(certificates: Certificates) -> None:
    async def check(tls: Certificates | None) -> None:
        async with serving(tls) as (server, port):
            with await asyncio.to_thread(ask, port, tls):
                await until(lambda: bool(server.server_state.connections))
                await until(lambda: not server.server_state.connections)

    await on_all_connections(check, certificates)
