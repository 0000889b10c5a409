"""Measures the longest block of an event loop, in CPU time of this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

TICK_S = 0.001
_TRIES, _PLAIN_MS = 6, 20.0


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


async def longest_block(work: Callable[[], Awaitable[bool]]) -> tuple[Block, bool]:
    """The least of the longest blocks of up to ``_TRIES`` runs, and the work's result.

    While a thread of this process works, a loop that waits for a core of a busy machine looks blocked. A real block
    is there every time.
    """
    least, result = Block(float("inf")), False
    for number in range(_TRIES):
        async with watched() as block:
            result = await work()
        least = min(least, block, key=lambda one: one.longest_ms)
        if number and least.longest_ms < _PLAIN_MS:
            break
    return least, result
