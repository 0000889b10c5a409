"""Load loops and their samples."""

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
"""A rate is held if its 99th percentile of latency is at most this …"""
BEHIND = 0.05
"""… and if the client is never later than this share of the phase: without a free core it sends at a lower rate."""
UP, NARROW = 1.3, 1.1


@dataclass
class Sample:
    """Measurements of a load phase.

    Attributes:
        latencies: seconds from before the publish to the response.
        seconds: seconds from the first request to the last response.
        behind: longest delay of a request after its schedule in seconds, in an open loop.
        failures: error messages.
        bodies: the responses, except on chains.
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
        """Whether all requests were sent and answered in time."""
        in_time = bool(self.latencies) and self.p99 <= HELD_P99_S and self.behind <= BEHIND * self.seconds
        return in_time and not self.failures


async def one(send: Send, number: int, sample: Sample) -> None:
    """Send one request and record its result."""
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
    """Send *rate* requests per second on a fixed schedule; return after all responses."""
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
    """Run *in_flight* clients for *seconds*; each sends its next request after its response."""
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
    """Search the highest rate held in at most *steps* steps: first by a fixed factor, then by bisection.

    Returns:
        The highest rate held and the lowest rate not held, in requests per second; 0 and infinity if unknown. The search
        stops once they differ by less than a tenth.
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
