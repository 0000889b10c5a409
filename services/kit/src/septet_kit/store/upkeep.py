"""Work that is repeated in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Repeated:
    """Work that is due every ``every_s`` seconds, whether or not it succeeded the last time."""

    def __init__(self, work: Callable[[], Awaitable[object]], every_s: float) -> None:
        self._work = work
        self._every_s = every_s
        self._next = float("-inf")

    async def run_if_due(self) -> None:
        """Run the work if it is due."""
        now = asyncio.get_running_loop().time()
        if now >= self._next:
            self._next = now + self._every_s
            await self._work()
