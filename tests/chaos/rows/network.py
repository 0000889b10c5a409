"""Bad weather between each service and each of its servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..lab import Scale, lab
from ..proxy import Proxy
from ..result import Claims, Row
from .corpus import NEVER_ABSTAIN, ingested

# What a request may end with that did not get through in time: its deadline, or a server that did not answer.
TYPED = frozenset(
    {"deadline_exceeded", "store_unavailable", "broker_unavailable", "lease_lost", "retrieval_unavailable"}
)
_RESETS = 5
_SERVERS = ("kafka", "postgres")
# Services that each request passes, and that use both servers.
_ON_EVERY_WAY = ("generation", "eval")


async def network(work: Path, seed: int, scale: Scale) -> Claims:
    """500±200 ms of delay, resets, and a black hole of 20 s: one service's side of one server at a time."""
    claims = Claims()
    async with lab(work, seed, scale, doors=True, env=NEVER_ABSTAIN) as here:
        assert here.doors is not None
        sides = sorted(here.doors.proxies)
        here.rng.shuffle(sides)
        if scale.brief:
            sides = [
                next(s for s in sides if s[0] in _ON_EVERY_WAY and s[1] == server) for server in _SERVERS
            ]
        await ingested(here)
        # Both the way without a search and the whole way, so that every side has something to carry.
        traffic = here.traffic(deadline_s=60), here.traffic({"policy": "bare"}, deadline_s=60)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for each in traffic:
                group.create_task(each.until(stop, 2.5))
            await asyncio.sleep(2)
            for side in sides:
                await _storm(here.doors.proxies[side], scale)
            stop.set()
        verdict = await here.verdict(*traffic, ordered=False, settle_s=5)
        claims.keep(verdict)
        idle = [side for side, proxy in here.doors.proxies.items() if not proxy.bytes]
        claims.figure(
            sent=verdict.sent,
            sides=[" ".join(side) for side in sides],
            statuses=dict(verdict.statuses),
            codes=dict(verdict.codes),
        )
        claims.expect(not idle, f"nothing went through the proxies of {idle}")
        claims.expect(set(verdict.codes) <= TYPED, f"other failures than typed ones: {dict(verdict.codes)}")
        untyped = sum(s.status in ("failed", "expired") and not s.code for s in verdict.seen)
        claims.expect(not untyped, f"{untyped} failures without a code")
        claims.expect(verdict.answered > 0, "nothing was answered")
    return claims


async def _storm(proxy: Proxy, scale: Scale) -> None:
    weather = proxy.weather
    weather.delay_s, weather.jitter_s = 0.5, 0.2
    await asyncio.sleep(scale.seconds(20, 3))
    weather.delay_s = weather.jitter_s = 0.0
    for _ in range(_RESETS):
        await asyncio.sleep(scale.seconds(2, 0.3))
        proxy.reset()
    weather.silent = True
    await asyncio.sleep(scale.seconds(20, 4))
    weather.silent = False
    await asyncio.sleep(scale.seconds(5, 1))


ROW = Row(
    10,
    "between each service and Kafka or PostgreSQL: 500±200 ms, resets, a 20 s black hole",
    "only typed deadline failures",
    network,
)
