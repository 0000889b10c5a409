"""Rows in which processes die: services, the broker, the database."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from ..fleet import SERVICES
from ..lab import Lab, Scale, lab, percentiles
from ..result import Claims, Row
from ..saboteur import FAILPOINTS


async def failpoints(work: Path, seed: int, scale: Scale) -> Claims:
    """Each service dies at each boundary of a step, 20 times over."""
    claims = Claims()
    requests = crashes = calls = 0
    for point in FAILPOINTS:
        async with lab(work / point, seed, scale, services=False) as here:
            await here.fleet.start({s: (point, str(here.rng.randrange(2, 9))) for s in SERVICES})
            traffic = here.traffic()
            wanted = scale.times(20)
            sending = asyncio.create_task(traffic.steady(10, scale.seconds(wanted * 5, 6)))
            while not sending.done() and _crashes(here) < wanted * len(SERVICES):  # noqa: ASYNC110 - counts processes
                await asyncio.sleep(0.2)
            await sending
            # From here on nobody dies any more, so that what is left can be answered.
            for member in here.fleet.members:
                member.argv = (member.argv[0], "-m", f"septet_{member.service}")
                member.signal(signal.SIGKILL)
            claims.keep(await here.verdict(traffic, settle_s=5))
            crashes += _crashes(here)
            requests += len(traffic.sent)
            calls += here.stub.calls
    claims.figure(requests=requests, crashes=crashes, model_calls=calls)
    claims.expect(crashes > 0, "no failpoint was reached")
    claims.expect(
        calls <= requests + crashes, f"{calls} model calls for {requests} requests, {crashes} crashes"
    )
    return claims


def _crashes(here: Lab) -> int:
    return sum(m.restarts for m in here.fleet.members)


async def kills(work: Path, seed: int, scale: Scale) -> Claims:
    """300 random ``kill -9`` of services at 25 requests/s."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        wanted = scale.times(300, 6)
        sending = asyncio.create_task(traffic.steady(25, wanted * 1.5))
        for _ in range(wanted):
            await asyncio.sleep(here.rng.uniform(0.5, 2.5))
            here.rng.choice(here.fleet.members).signal(signal.SIGKILL)
        await sending
        claims.keep(await here.verdict(traffic))
        recovery = [s for m in here.fleet.members for s in m.recovery_s]
        p50, p99 = percentiles(recovery)
        claims.figure(
            kills=_crashes(here), recovery_p50_s=p50, recovery_p99_s=p99, model_calls=here.stub.calls
        )
        claims.expect(p50 <= 3, f"a killed service is ready again after {p50:.1f} s")
    return claims


async def broker(work: Path, seed: int, scale: Scale) -> Claims:
    """``kill -9`` of the broker three times under load."""
    return await _server_dies("kafka", 3, work, seed, scale)


async def database(work: Path, seed: int, scale: Scale) -> Claims:
    """``kill -9`` of PostgreSQL five times under load."""
    return await _server_dies("postgres", 5, work, seed, scale)


async def _server_dies(name: str, times: int, work: Path, seed: int, scale: Scale) -> Claims:
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        rounds = scale.times(times)
        sending = asyncio.create_task(traffic.steady(10, rounds * 20))
        stalls = []
        for _ in range(rounds):
            await asyncio.sleep(here.rng.uniform(4, 6))
            os.kill(here.server_pid(name), signal.SIGKILL)
            stalls.append(await here.watch.next_progress())
            await asyncio.sleep(5)
        await sending
        claims.keep(await here.verdict(traffic))
        claims.figure(kills=rounds, progress_again_s=max(stalls), publish_retries=traffic.retried)
        claims.expect(max(stalls) <= 30, f"no progress for {max(stalls):.1f} s")
    return claims


async def rolling(work: Path, seed: int, scale: Scale) -> Claims:
    """SIGTERM to one service after the other, twice, at 50 requests/s."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        rounds = scale.times(2)
        rate = 50 if scale.time >= 1 else 15
        sending = asyncio.create_task(traffic.steady(rate, rounds * len(SERVICES) * 6))
        for _ in range(rounds):
            for member in list(here.fleet.members):
                restarts = member.restarts
                member.signal(signal.SIGTERM)
                while member.restarts == restarts:  # noqa: ASYNC110 - a process, not a task
                    await asyncio.sleep(0.1)
                await member.ready()
        await sending
        verdict = await here.verdict(traffic)
        claims.keep(verdict)
        again = here.stub.calls - len(traffic.sent)
        claims.figure(sent=len(traffic.sent), model_calls_again=again, statuses=dict(verdict.statuses))
        claims.expect(verdict.answered == 1, f"errors: {dict(verdict.statuses)}")
        claims.expect(again <= 0.01 * len(traffic.sent), f"{again} requests were handled again")
    return claims


async def zombie(work: Path, seed: int, scale: Scale) -> Claims:
    """SIGSTOP for longer than a session, then SIGCONT: what the stale instance still wants to do is refused."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        seconds = scale.seconds(30, 14)
        for service in ("eval", "generation"):
            other = await here.fleet.add(service)
            await other.ready()
            sending = asyncio.create_task(traffic.steady(10, seconds + 10))
            await asyncio.sleep(3)
            stale = here.fleet.of(service)[0]
            stale.signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            stale.signal(signal.SIGCONT)
            await sending
            await here.watch.all_of(traffic, 120)
            await other.retire()
        claims.keep(await here.verdict(traffic))
        claims.figure(sent=len(traffic.sent), stopped_s=seconds)
    return claims


ROWS = (
    Row(
        2,
        "failpoints at each step boundary of each service × 20",
        "model calls ≤ requests + crashes",
        failpoints,
    ),
    Row(3, "25/s, 300 random `kill -9` of services", "recovery ≤ 3 s", kills),
    Row(4, "broker `kill -9` × 3 under load", "progress again ≤ 30 s", broker),
    Row(5, "PostgreSQL `kill -9` × 5 under load", "accepted requests answered after recovery", database),
    Row(6, "SIGTERM rolling restart × 2 at 50/s", "0 errors, redelivery ≤ 1 %", rolling),
    Row(7, "SIGSTOP 30 s, then SIGCONT", "the stale instance's commit and release are refused", zombie),
)
