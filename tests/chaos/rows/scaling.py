"""Rows in which the number of processes, or the amount of work, changes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..lab import Lab, Scale, lab
from ..result import Claims, Row

_CALM_S = 60


async def elastic(work: Path, seed: int, scale: Scale) -> Claims:
    """A service from one instance to four and back, ten times, under 200 conversations of 20 requests."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        rounds = scale.times(10)
        conversations = scale.times(200, 20)
        seconds = max(rounds * 12, 15)
        traffic = here.traffic(conversations=conversations)
        sending = asyncio.create_task(traffic.steady(conversations * 20 / seconds, seconds))
        while not sending.done():
            service = here.rng.choice(("guardrails", "eval", "generation", "cache"))
            more = [await here.fleet.add(service) for _ in range(3)]
            await asyncio.gather(*(m.ready() for m in more))
            await asyncio.sleep(2)
            for member in more:
                await member.retire()
                here.fleet.members.remove(member)
        await sending
        claims.keep(await here.verdict(traffic))
        claims.figure(sent=len(traffic.sent), conversations=conversations)
    return claims


async def overload(work: Path, seed: int, scale: Scale) -> Claims:
    """Three times the rate that the machine sustains, for 60 s."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        rate = await _sustained(here)
        before = here.fleet.rss_mb()
        traffic = here.traffic(deadline_s=30)
        await traffic.steady(3 * rate, scale.seconds(60, 8))
        loop = asyncio.get_running_loop()
        ended = loop.time()
        await here.watch.all_of(traffic, 180)
        drained = loop.time() - ended
        after = here.fleet.rss_mb()
        verdict = await here.verdict(traffic)
        claims.keep(verdict)
        growth = max(after[name] - before[name] for name in before)
        claims.figure(
            rate=3 * rate, sent=len(traffic.sent), drained_s=drained, statuses=dict(verdict.statuses), growth_mib=growth
        )  # fmt: skip
        claims.expect(drained <= _CALM_S, f"the lag was drained after {drained:.0f} s")
        claims.expect(growth < 200, f"a process grew by {growth:.0f} MiB")
    return claims


async def _sustained(here: Lab) -> float:
    """Requests a second that come back when 200 are sent at once."""

    warm = here.traffic()
    await warm.steady(10, 3)
    await here.watch.all_of(warm, 60)
    traffic = here.traffic()
    begin = asyncio.get_running_loop().time()
    await traffic.steady(200, 1)
    await here.watch.all_of(traffic, 120)
    return 200 / (asyncio.get_running_loop().time() - begin)


ROWS = (
    Row(8, "a service 1→4→1 × 10; 200 conversations × 20", "0 order violations", elastic),
    Row(12, "3 × overload for 60 s", "bounded memory, typed expiry, lag drained ≤ 60 s", overload),
)
