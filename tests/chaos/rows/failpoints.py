"""Services that die at the boundaries of their steps, one boundary after the other."""

from __future__ import annotations

import asyncio
import random
import re
import signal
from collections import Counter
from pathlib import Path

from ..fleet import SERVICES, Member, sabotaged
from ..lab import Lab, Scale, lab
from ..result import Claims, Row
from ..saboteur import MARK
from ..traffic import LABELS, Traffic

STEP = ("before_effect", "after_publish", "before_commit", "after_effect")
# The row that a death after the effect leaves is what a sweeper dies with; its successor finds the same row.
SWEEP = ("in_sweeper", "after_sweep")
WITH_OUTBOX = ("eval", "feedback")
_STRUCK = re.compile(rf"^{MARK} (\w+) (\d+)$", re.MULTILINE)
# Requests a second: what comes through while two services spend most of the time starting.
_RATE = 5
_AT_ONCE = 2
_LIFE_S = 20


async def failpoints(work: Path, seed: int, scale: Scale) -> Claims:
    """Each service dies at each boundary of a step, 20 times over, while the others live."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        # Few conversations, so that a request is on its way while the response before it is in doubt.
        traffic = here.traffic(conversations=5, deadline_s=600)
        traffic.thumbs = True
        stop, turn = asyncio.Event(), asyncio.Semaphore(_AT_ONCE)
        sending = asyncio.create_task(traffic.until(stop, _RATE))
        wanted = scale.times(20)
        await asyncio.gather(*(_dies(here, member, wanted, turn) for member in here.fleet.members))
        stop.set()
        await sending
        await here.watch.all_of(traffic.sent, 300)
        await here.drained()
        claims.keep(await here.verdict(traffic, settle_s=4))
        await _count(here, traffic, wanted, claims)
    return claims


async def _dies(here: Lab, member: Member, wanted: int, turn: asyncio.Semaphore) -> None:
    """Run the service through its plan of deaths; it lives when that is over."""
    plan = _plan(member.service, wanted, here.rng)
    async with turn:
        first = member.restarts + 1
        member.argv = sabotaged(member.service, ",".join(plan), str(first))
        member.signal(signal.SIGKILL)
        async with asyncio.timeout(len(plan) * _LIFE_S):
            while member.restarts < first + len(plan):  # noqa: ASYNC110 - processes, not tasks
                await asyncio.sleep(0.1)
        await member.ready()


def _plan(service: str, wanted: int, rng: random.Random) -> list[str]:
    """The point of each life, and at which time that it is reached."""
    plan = []
    for _ in range(wanted):
        points = [*rng.sample(STEP[:-1], len(STEP) - 1), STEP[-1]]
        plan += [f"{point}:{rng.randrange(1, 7)}" for point in points]
        plan += SWEEP if service in WITH_OUTBOX else ()
    return plan


async def _count(here: Lab, traffic: Traffic, wanted: int, claims: Claims) -> None:
    struck: Counter[tuple[str, str]] = Counter()
    rows = 0
    for member in here.fleet.members:
        for point, amount in _STRUCK.findall(member.log_from()):
            struck[member.service, point] += 1
            rows += int(amount) if point in SWEEP else 0
    for service in SERVICES:
        for point in (*STEP, *(SWEEP if service in WITH_OUTBOX else ())):
            times = struck[service, point]
            claims.expect(times >= wanted, f"{service} died {times} times {point}, not {wanted}")
    crashes, requests, calls = sum(m.restarts for m in here.fleet.members), len(traffic.sent), here.stub.calls
    labels = len(await here.records(LABELS, {s.request_id for s in traffic.sent}))
    claims.figure(
        crashes=crashes,
        pairs=len(struck),
        least_per_pair=min(struck.values(), default=0),
        rows_in_sweepers=rows,
        requests=requests,
        model_calls=calls,
        labels=labels,
        no_sweeper_in=sorted(set(SERVICES) - set(WITH_OUTBOX)),
    )
    claims.expect(
        calls <= requests + crashes, f"{calls} model calls for {requests} requests, {crashes} crashes"
    )
    claims.expect(labels == requests, f"{labels} labels for feedback on {requests} requests")


ROW = Row(
    2, "failpoints at each step boundary of each service × 20", "model calls ≤ requests + crashes", failpoints
)
