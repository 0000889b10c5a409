"""Clients that read slowly or not at all, on real connections."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
import uvicorn
from septet_gateway.api.write_limit import limited_protocol
from septet_kit.observe.health import Server

from .support import KEYS, World, respond

LIMIT_S = 0.3
# More than the kernel's buffers take.
ANSWER = "A deque is a queue. " * 40_000


@dataclass
class Served:
    """A gateway on real connections."""

    server: Server
    port: int

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)

    async def ask(self, *, stream: bool) -> socket.socket:
        """Send a call; returns the connection, of which nothing was read."""
        client = socket.socket()
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", self.port))
        messages = [{"role": "user", "content": "What is a deque?"}]
        body = json.dumps({"model": "septet", "messages": messages, "stream": stream})
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: septet\r\nauthorization: Bearer {KEYS['ask']}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        await loop.sock_sendall(client, (head + body).encode())
        return client


@asynccontextmanager
async def served(world: World) -> AsyncIterator[Served]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        protocol = limited_protocol(timedelta(seconds=LIMIT_S))
        config = uvicorn.Config(world.app(), http=protocol, log_level="error", lifespan="off")
        server = Server(config)
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        try:
            yield Served(server, listener.getsockname()[1])
        finally:
            server.should_exit = server.force_exit = True
            await serving


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a count of connections
            await asyncio.sleep(0.01)


async def read_all(client: socket.socket, pause: Callable[[], Awaitable[None]]) -> bytes:
    """Read to the end of a chunked body, or to the end of the connection."""
    loop, received = asyncio.get_running_loop(), bytearray()
    while not received.endswith(b"0\r\n\r\n") and (some := await loop.sock_recv(client, 32_768)):
        received += some
        await pause()
    return bytes(received)


def body_of(received: bytes) -> bytes:
    """The body of a chunked answer."""
    rest, body = received.partition(b"\r\n\r\n")[2], b""
    while size := int((head := rest.partition(b"\r\n"))[0], 16):
        body += head[2][:size]
        rest = head[2][size + 2 :]
    return body


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_never_reads_is_disconnected(world: World, stream: bool) -> None:
    """A whole answer is completely written for uvicorn; its connection must end, too."""
    world.log.answer = lambda request: respond(request, answer=ANSWER)
    async with served(world) as gateway:
        with await gateway.ask(stream=stream):
            await until(lambda: gateway.connections == 1)
            await until(lambda: gateway.connections == 0)
    assert len(world.asked) == 1


async def test_a_client_that_reads_slowly_gets_its_whole_answer(world: World) -> None:
    """The whole takes longer than the limit, which counts from the last bytes that the client took."""
    world.log.answer = lambda request: respond(request, answer=ANSWER)
    loop = asyncio.get_running_loop()
    async with served(world) as gateway:
        with await gateway.ask(stream=True) as client:
            began = loop.time()
            received = await read_all(client, lambda: asyncio.sleep(LIMIT_S / 10))
            assert loop.time() - began > LIMIT_S
    body = body_of(received)
    assert body.count(b"A deque is a queue. ") == ANSWER.count("A deque is a queue. ")
    assert b"data: [DONE]" in body


async def test_others_are_served_while_a_client_does_not_read(world: World) -> None:
    world.log.answer = lambda request: respond(request, answer=ANSWER)
    async with served(world) as gateway:
        with await gateway.ask(stream=True), await gateway.ask(stream=True) as reader:
            assert b"[DONE]" in await read_all(reader, lambda: asyncio.sleep(0))
