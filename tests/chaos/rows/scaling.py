"""Rows in which the number of processes, or the amount of work, changes."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from ..checker import Run, check
from ..lab import Lab, Scale, lab
from ..result import Claims, Row
from ..saboteur import MARK

_CALM_S = 60
# Before the first try to send, and in the sweep of the life after it.
_DEATHS = ("after_effect:20", "after_effect:20,in_sweeper")
_GROWTH_MIB = 200


async def elastic(work: Path, seed: int, scale: Scale) -> Claims:
    """A service from one instance to four and back, ten times, under 200 conversations of 20 requests."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        rounds, cycles = scale.times(10), 0
        conversations = scale.times(200, 20)
        seconds = max(rounds * 12, 15)
        traffic = here.traffic(conversations=conversations)
        sending = asyncio.create_task(traffic.steady(conversations * 20 / seconds, seconds))
        while not sending.done() or cycles < rounds:
            cycles += 1
            service = here.rng.choice(("guardrails", "eval", "generation", "cache"))
            more = [await here.fleet.add(service) for _ in range(3)]
            await asyncio.gather(*(m.ready() for m in more))
            await asyncio.sleep(2)
            for member in more:
                await member.retire()
                here.fleet.members.remove(member)
        await sending
        claims.keep(await here.verdict(traffic))
        claims.figure(sent=len(traffic.sent), conversations=conversations, cycles=cycles)
        for plan in _DEATHS:
            await _never_comes_back(here, plan, claims)
    return claims


async def _never_comes_back(here: Lab, plan: str, claims: Claims) -> None:
    """One of two instances of eval dies with a response committed and not sent, and is not started again.

    ``plan`` has a point for each of its lives. A second one that starts too late finds the row sent by the other
    instance, and nothing to die at: it is killed then. The group gives its partitions away when its session has run
    out, the outbox gives its rows away when its claim has.
    """
    member = await here.fleet.add("eval", (plan,))
    before, lives = member.log.stat().st_size, plan.count(",") + 1
    # So many that each of the two has some.
    traffic = here.traffic(conversations=12)
    stop = asyncio.Event()
    sending = asyncio.create_task(traffic.until(stop, 20))
    async with asyncio.timeout(90):
        while member.restarts < lives - 1:  # noqa: ASYNC110 - a process, not a task
            await asyncio.sleep(0.05)
        member.keep = False
        while MARK not in member.log_from(before):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
    await asyncio.sleep(10)
    member.signal(signal.SIGKILL)
    await asyncio.sleep(15)
    stop.set()
    await sending
    claims.keep(await here.verdict(traffic))
    name = plan.replace(":20", "").replace(",", "_")
    claims.figure(**{name: {"sent": len(traffic.sent), "deaths": member.log_from(before).count(MARK)}})


async def overload(work: Path, seed: int, scale: Scale) -> Claims:
    """Three times the rate that the machine sustains, for 60 s."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        rate = await _sustained(here)
        before = here.fleet.rss_mb()
        traffic = here.traffic(deadline_s=30)
        sending = asyncio.create_task(traffic.steady(3 * rate, scale.seconds(60, 6)))
        most = await most_memory(here, sending)
        behind = await here.lag()
        drained = await here.drained(timeout_s=180)
        verdict = await here.verdict(traffic, deadlines_apart=True)
        claims.keep(verdict)
        overtaken = check(Run(traffic.sent, verdict.seen)).disordered
        growth = {name: most[name] - before[name] for name in before}
        worst = max(growth, key=lambda name: growth[name])
        claims.figure(
            sustained=rate,
            rate=3 * rate,
            sent=verdict.sent,
            statuses=dict(verdict.statuses),
            codes=dict(verdict.codes),
            records_behind=behind,
            drained_s=drained,
            worst=worst,
            growth_mib=growth[worst],
            overtook_a_deadline=len(overtaken),
        )
        claims.expect(drained <= _CALM_S, f"the lag was drained after {drained:.0f} s")
        claims.expect(growth[worst] < _GROWTH_MIB, f"{worst} grew by {growth[worst]:.0f} MiB")
        claims.expect(set(verdict.codes) <= {"deadline_exceeded"}, f"codes: {dict(verdict.codes)}")
    return claims


async def most_memory(here: Lab, sending: asyncio.Task[None]) -> dict[str, float]:
    """The most resident memory that each process had until ``sending`` was done, in MiB."""
    most: dict[str, float] = {}
    while not sending.done():
        await asyncio.wait([sending], timeout=1)
        for name, size in here.fleet.rss_mb().items():
            most[name] = max(size, most.get(name, 0.0))
    await sending
    return most


async def _sustained(here: Lab) -> float:
    """Requests a second that come back when 200 are sent at once."""
    warm = here.traffic()
    await warm.steady(10, 3)
    await here.watch.all_of(warm.sent, 60)
    traffic = here.traffic()
    begin = asyncio.get_running_loop().time()
    await traffic.steady(200, 1)
    await here.watch.all_of(traffic.sent, 120)
    return 200 / (asyncio.get_running_loop().time() - begin)


ROWS = (
    Row(
        8,
        "a service 1→4→1 × 10; 200 conversations × 20; one of two evals dies for good",
        "0 order violations",
        elastic,
    ),
    Row(12, "3 × overload for 60 s", "bounded memory, typed expiry, lag drained ≤ 60 s", overload),
)
