"""A TCP proxy that can be slow, rude or silent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_LINE_CHUNKS = 256


@dataclass
class Weather:
    """How the network behaves from now on; change it while connections are open.

    Attributes:
        delay_s: mean one-way delay of a chunk, in seconds.
        jitter_s: its uniform deviation, to both sides.
        silent: nothing passes, and nothing is refused (a black hole).
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    silent: bool = False
    rng: random.Random = field(default_factory=random.Random)

    def delay(self) -> float:
        """Of the next chunk, in seconds."""
        return max(0.0, self.delay_s + self.rng.uniform(-self.jitter_s, self.jitter_s))


class Proxy:
    """Forwards connections from one loopback port to another."""

    def __init__(self, target_port: int, weather: Weather) -> None:
        self.port = 0
        self.weather = weather
        self.target_port = target_port
        self.bytes = 0
        self._writers: set[asyncio.StreamWriter] = set()

    def reset(self) -> int:
        """Cut every open connection, with a TCP reset; returns how many."""
        writers, self._writers = self._writers, set()
        for writer in writers:
            writer.transport.abort()
        return len(writers)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, up_writer}
        self._writers |= pair
        pumps = [
            asyncio.create_task(self._pump(reader, up_writer)),
            asyncio.create_task(self._pump(up_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._writers -= pair
            for each in pair:
                each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Chunks are on their way at the same time, as on a long line, and arrive in their order."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_LINE_CHUNKS)
        sending = asyncio.create_task(self._deliver(under_way, writer))
        due, loop = 0.0, asyncio.get_running_loop()
        try:
            with suppress(ConnectionError):
                while chunk := await reader.read(65_536):
                    due = max(due, loop.time() + self.weather.delay())
                    await under_way.put((due, chunk))
            await under_way.put((due, b""))
            await sending
        finally:
            sending.cancel()

    async def _deliver(
        self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while True:
                due, chunk = await under_way.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                while self.weather.silent:  # noqa: ASYNC110 - the weather is a plain value that a scenario sets
                    await asyncio.sleep(0.05)
                if not chunk:
                    return
                self.bytes += len(chunk)
                writer.write(chunk)
                await writer.drain()


@asynccontextmanager
async def proxied(target_port: int, weather: Weather | None = None) -> AsyncIterator[Proxy]:
    """A proxy to ``target_port`` on a free loopback port, while inside."""
    proxy = Proxy(target_port, weather or Weather())
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.weather.silent = False
        proxy.reset()
        await server.wait_closed()
