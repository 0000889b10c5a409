"""Limits of a run beside live traffic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How fast a run publishes.

    Attributes:
        rate: requests per second; None does not limit them.
        in_flight: requests in work at a time.
        deadline: seconds until a response is due.
    """

    rate: float | None
    in_flight: int
    deadline: float


class Gate:
    """Admits requests at a rate, and a number of them at a time.

    The times of admission are evenly spaced: a run that was held up does not catch up with a burst.
    """

    def __init__(self, pace: Pace) -> None:
        self._interval = 1 / pace.rate if pace.rate else 0.0
        self._places = asyncio.Semaphore(pace.in_flight)
        self._next = 0.0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for one request."""
        async with self._places:
            yield

    async def turn(self) -> None:
        """Wait until the next request may be published."""
        now = time.monotonic()
        at = max(now, self._next)
        self._next = at + self._interval
        if at > now:
            await asyncio.sleep(at - now)
