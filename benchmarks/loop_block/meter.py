"""Measures the longest block of an event loop, in CPU time of this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

TICK_S = 0.001


@dataclass
class Block:
    """``longest_ms`` is the lower of wall time and CPU time of the process, to exclude other processes."""

    longest_ms: float = 0.0
    wall_ms: float = 0.0


@asynccontextmanager
async def watched() -> AsyncIterator[Block]:
    """Tick on the loop inside the context."""
    block = Block()

    async def tick() -> None:
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(TICK_S)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            block.longest_ms = max(block.longest_ms, 1000 * min(wall, cpu))
            block.wall_ms = max(block.wall_ms, 1000 * wall)

    ticking = asyncio.ensure_future(tick())
    await asyncio.sleep(2 * TICK_S)
    try:
        yield block
        await asyncio.sleep(2 * TICK_S)
    finally:
        ticking.cancel()


async def longest_block(work: Callable[[], Awaitable[bool]], tries: int = 2) -> tuple[Block, bool]:
    """The shortest of the longest blocks of ``tries`` runs, and the result of the work."""
    blocks = []
    for _ in range(tries):
        async with watched() as block:
            result = await work()
        blocks.append(block)
    return min(blocks, key=lambda one: one.longest_ms), result
