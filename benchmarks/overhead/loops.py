"""Ways to put load on a contender, and what is noted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from septet_cli.bench.metrics import percentile

from benchmarks.overhead.contender import Body, Failed

Send = Callable[[int], Awaitable[Body | None]]
Numbers = Iterator[int]

HELD_P99_S = 1.0
"""A rate is held while 99 of 100 responses come within it."""
BEHIND = 0.05
"""And while the client keeps it: a share of the phase. A client that has no core left asks for less than it says."""
UP, NARROW = 1.3, 1.1


@dataclass
class Sample:
    """What came of a phase of load.

    Attributes:
        latencies: seconds from before the publish to the response.
        seconds: from the first request to the last response.
        behind: the most seconds by which a request left after its time, in an open loop.
        failures: what went wrong, in words.
        bodies: the responses, where they are more than bytes.
    """

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    behind: float = 0.0
    failures: list[str] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Responses per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    @property
    def p50(self) -> float:
        """Median latency in seconds."""
        return percentile(self.latencies, 50)

    @property
    def p99(self) -> float:
        """99th percentile of latency in seconds."""
        return percentile(self.latencies, 99)

    @property
    def held(self) -> bool:
        """Whether everything was sent and answered in time."""
        in_time = bool(self.latencies) and self.p99 <= HELD_P99_S and self.behind <= BEHIND * self.seconds
        return in_time and not self.failures


async def one(send: Send, number: int, sample: Sample) -> None:
    """Send one request and note what came of it."""
    began = time.perf_counter()
    try:
        body = await send(number)
    except Failed as error:
        sample.failures.append(str(error))
    else:
        sample.latencies.append(time.perf_counter() - began)
        if body is not None:
            sample.bodies.append(body)


async def open_loop(send: Send, numbers: Numbers, rate: float, seconds: float) -> Sample:
    """*rate* requests a second, on schedule however slow the responses are; returns when all have come."""
    sample, loop = Sample(), asyncio.get_running_loop()
    begin = loop.time()
    async with asyncio.TaskGroup() as group:
        for place in range(max(1, round(rate * seconds))):
            due = begin + place / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            sample.behind = max(sample.behind, loop.time() - due)
            group.create_task(one(send, next(numbers), sample))
    sample.seconds = loop.time() - begin
    return sample


async def closed_loop(send: Send, numbers: Numbers, in_flight: int, seconds: float) -> Sample:
    """*in_flight* clients, each of which asks again as soon as it has its response, for *seconds*."""
    sample, loop = Sample(), asyncio.get_running_loop()
    begin = loop.time()

    async def client() -> None:
        while loop.time() - begin < seconds:
            await one(send, next(numbers), sample)

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(client())
    sample.seconds = loop.time() - begin
    return sample


async def highest_rate(
    step: Callable[[float], Awaitable[Sample]], start: float, steps: int
) -> tuple[float, float]:
    """The highest rate held, searched in at most *steps* steps: up or down in leaps, then halves of what is left.

    Returns:
        The highest rate that was held and the lowest that was not, in requests per second; 0 and infinity where
        none was met. The search ends early once they are less than a tenth apart.
    """
    held, lost, rate = 0.0, float("inf"), start
    for _ in range(steps):
        if (await step(rate)).held:
            held = max(held, rate)
        else:
            lost = min(lost, rate)
        if held and lost / held <= NARROW:
            break
        if lost == float("inf"):
            rate = held * UP
        elif not held:
            rate = lost / UP
        else:
            rate = (held * lost) ** 0.5
    return held, lost
