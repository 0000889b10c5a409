"""Rows in which processes die: services, the broker, the database."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
from septet_contracts import topic

from .. import brokers
from ..fleet import Member, sabotaged
from ..lab import Lab, Scale, lab, percentiles
from ..result import Claims, Row
from ..traffic import LABELS, RESPONSES, Traffic, event_ids
from . import failpoints
from .papers import Papers

# A process that is killed is ready again in so many seconds, in so many cases.
_RECOVERY_S, _IN_TIME = 3.0, 0.95
# A step that waits for something that was stopped before it takes the whole grace of 10 s.
_STOP_S = 8.0
# Three brokers beside everything else.
_CLUSTER_BYTES = 3 * 2**30


async def kills(work: Path, seed: int, scale: Scale) -> Claims:
    """300 random ``kill -9`` of services at 25 requests/s."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        wanted = scale.times(300, 6)
        stop = asyncio.Event()
        sending = asyncio.create_task(traffic.until(stop, 25))
        for _ in range(wanted):
            await asyncio.sleep(here.rng.uniform(0.5, 2.5))
            here.rng.choice(here.fleet.members).signal(signal.SIGKILL)
        stop.set()
        await sending
        await here.fleet.ready()
        verdict = await here.verdict(traffic, wait_s=240)
        claims.keep(verdict)
        recovery = [s for m in here.fleet.members for s in m.recovery_s]
        p50, p99 = percentiles(recovery)
        in_time = sum(s <= _RECOVERY_S for s in recovery) / max(1, len(recovery))
        claims.figure(
            kills=sum(m.restarts for m in here.fleet.members),
            recovered=len(recovery),
            killed_again_while_starting=sum(m.interrupted for m in here.fleet.members),
            recovery_p50_s=p50,
            recovery_p99_s=p99,
            in_time=in_time,
            sent=verdict.sent,
            model_calls=here.stub.calls,
            statuses=dict(verdict.statuses),
        )
        claims.expect(in_time >= _IN_TIME, f"only {in_time:.0%} were ready again in {_RECOVERY_S:g} s")
    return claims


async def broker(work: Path, seed: int, scale: Scale) -> Claims:
    """``kill -9`` of the only broker three times under load; then of leaders, where memory allows a cluster."""
    claims = Claims()
    async with lab(work / "alone", seed, scale) as here:
        alone = await _server_dies(here, scale.times(3), lambda: _is("kafka"), claims)
    claims.figure(alone=alone)
    if scale.brief or psutil.virtual_memory().available < _CLUSTER_BYTES:
        claims.figure(among_three_brokers="not run: short form, or less than 3 GiB free")
        return claims
    async with lab(work / "cluster", seed, scale, cluster=True) as here:
        claims.figure(among_three_brokers=await _server_dies(here, 3, lambda: _leader(here), claims))
    return claims


async def database(work: Path, seed: int, scale: Scale) -> Claims:
    """``kill -9`` of PostgreSQL five times under load."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        claims.figure(**await _server_dies(here, scale.times(5), lambda: _is("postgres"), claims))
    return claims


async def _is(name: str) -> str:
    return name


async def _leader(here: Lab) -> str:
    """The broker that leads a partition of the responses, once the one before it is level with the others again."""
    kafka = here.addresses.connection("admin")
    await brokers.in_sync(kafka)
    return await brokers.leader(kafka, RESPONSES, here.rng)


async def _server_dies(
    here: Lab, times: int, victim: Callable[[], Awaitable[str]], claims: Claims
) -> dict[str, Any]:
    """``kill -9`` of a server, again and again, under 10 requests a second; returns figures."""
    traffic = here.traffic()
    stop = asyncio.Event()
    sending = asyncio.create_task(traffic.until(stop, 10))
    stalls, killed = [], Counter[str]()
    for _ in range(times):
        await asyncio.sleep(here.rng.uniform(4, 6))
        name = await victim()
        os.kill(here.server_pid(name), signal.SIGKILL)
        killed[name] += 1
        stalls.append(await _next_answer(here, traffic))
        await asyncio.sleep(5)
    stop.set()
    await sending
    verdict = await here.verdict(traffic)
    claims.keep(verdict)
    slowest = max(here.watch.latencies(traffic))
    claims.expect(max(stalls) <= 30, f"no progress for {max(stalls):.1f} s")
    # The partitions of a broker that died are some of all: each of their requests, too, has to get through.
    claims.expect(slowest <= 30, f"a request took {slowest:.1f} s")
    claims.expect(verdict.answered == 1, f"not answered after the recovery: {dict(verdict.codes)}")
    return {
        "killed": dict(killed),
        "progress_again_s": round(max(stalls), 3),
        "slowest_s": round(slowest, 3),
        "publish_retries": traffic.retried,
        "sent": verdict.sent,
        "statuses": dict(verdict.statuses),
        "codes": dict(verdict.codes),
    }


async def _next_answer(here: Lab, traffic: Traffic, timeout_s: float = 120) -> float:
    """Seconds until a request that is sent from now on is answered; ``timeout_s`` when none is."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    while loop.time() - begin < timeout_s:
        await asyncio.sleep(0.05)
        if any(at > begin and i in here.watch.first_seen for i, at in list(traffic.begun.items())):
            break
    return loop.time() - begin


async def rolling(work: Path, seed: int, scale: Scale) -> Claims:
    """SIGTERM to one service after the other, twice, at 50 requests/s, with documents and feedback in flight."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic, papers = here.traffic(), Papers(here)
        traffic.thumbs = True
        rate = 15 if scale.brief else 50
        stop = asyncio.Event()
        sending = asyncio.gather(traffic.until(stop, rate), papers.until(stop))
        stops: dict[str, float] = {}
        for member in list(here.fleet.members) * scale.times(2):
            stops[member.service] = max(await _restarted(member), stops.get(member.service, 0.0))
        stop.set()
        await sending
        verdict = await here.verdict(traffic)
        claims.keep(verdict)
        await here.drained()
        again, steps = await _handled_again(here, traffic)
        p50, p99 = percentiles(here.watch.latencies(traffic))
        claims.figure(
            rate=rate,
            sent=verdict.sent,
            statuses=dict(verdict.statuses),
            steps=steps,
            handled_again=again,
            model_calls_again=here.stub.calls - verdict.sent,
            p50_ms=p50 * 1000,
            p99_ms=p99 * 1000,
            stop_s={service: round(s, 1) for service, s in stops.items()},
        )
        claims.expect(verdict.answered == 1, f"errors: {dict(verdict.codes)}")
        claims.expect(again <= 0.01 * steps, f"{again} of {steps} steps were run again")
        slowest = max(stops.values())
        claims.expect(slowest <= _STOP_S, f"a service took {slowest:.1f} s to stop: its steps were cut off")
        await papers.check(claims)
        await _labelled_once(here, traffic, claims)
    return claims


async def _restarted(member: Member) -> float:
    """Stop a service in good order and wait until its next process is ready; returns how long the stop took."""
    loop, restarts = asyncio.get_running_loop(), member.restarts
    begin = loop.time()
    member.signal(signal.SIGTERM)
    while member.restarts == restarts:  # noqa: ASYNC110 - a process, not a task
        await asyncio.sleep(0.05)
    took = loop.time() - begin
    await member.ready()
    return took


async def _labelled_once(here: Lab, traffic: Traffic, claims: Claims) -> None:
    wanted = {f"{s.request_id}-thumb" for s in traffic.sent}
    times = Counter(json.loads(r.value)["feedback_id"] for r in await here.whole(LABELS))
    wrong = [name for name in wanted if times[name] != 1]
    claims.figure(feedback=len(wanted))
    claims.expect(not wrong, f"{len(wrong)} of {len(wanted)} thumbs do not have one label: {wrong[:3]}")


async def _handled_again(here: Lab, traffic: Traffic) -> tuple[int, int]:
    """How many steps ran a second time, and how many there were: a step run again publishes the same event id."""
    requests = {s.request_id for s in traffic.sent}
    events = [
        event
        for name in ("screened", "missed", "grounded", "drafts", "outcomes")
        for event in event_ids(await here.records(topic(name).name, requests))
    ]
    return len(events) - len(set(events)), len(events)


async def zombie(work: Path, seed: int, scale: Scale) -> Claims:
    """Instances stop in the middle of their work for longer than a session, then continue.

    What the stale instance still wants to do (release a response, keep a draft, commit its offsets) is refused:
    others have done it meanwhile. Eval stops before a release, generation before it stores a draft.
    """
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        seconds = scale.seconds(_FROZEN_S, 14)
        stop = asyncio.Event()
        sending = asyncio.create_task(traffic.until(stop, 10))
        points = {"eval": "before_release", "generation": "before_store"}
        stale = [await _stops(here, service, point) for service, point in points.items()]
        await asyncio.sleep(seconds)
        # Their work is refused once others have done it, however long the group took to give it to them.
        claims.expect(
            await here.watch.all_of(tuple(traffic.sent), 60),
            "requests of the stale instances were not answered",
        )
        logged = {m.service: m.log.stat().st_size for m in stale}
        for member in stale:
            member.signal(signal.SIGCONT)
        stop.set()
        await sending
        await here.watch.all_of(traffic.sent, 120)
        await here.drained()
        claims.keep(await here.verdict(traffic))
        for member in stale:
            said = member.log_from(logged[member.service])
            found = {what: said.count(line) for what, line in _REFUSED[member.service].items()}
            claims.figure(**{f"{member.service}_{what}": times for what, times in found.items()})
            for what, times in found.items():
                claims.expect(times > 0, f"the stale {member.service} was not refused its {what}")
        claims.figure(sent=len(traffic.sent), stopped_s=seconds, model_calls=here.stub.calls)
    return claims


async def _stops(here: Lab, service: str, point: str) -> Member:
    """Give a service a second instance, and let the first stop at a point of its work."""
    other = await here.fleet.add(service)
    await other.ready()
    (member, *_) = here.fleet.of(service)
    await member.reborn(sabotaged(service, f"{point}:5:stop", str(member.restarts + 1)))
    async with asyncio.timeout(30):
        while not member.stopped():  # noqa: ASYNC110 - a process, not a task
            await asyncio.sleep(0.05)
    return member


# Longer than a session (10 s). An event loop that stood still for 30 s would end its process (`LoopGuard`) instead.
_FROZEN_S = 20.0
# What each stale instance has to say when it continues.
_COMMIT = "commit refused, the group has moved on"
_REFUSED = {
    "eval": {"release": '"event": "outcome discarded"', "commit": _COMMIT},
    "generation": {"draft": "another process took over", "commit": _COMMIT},
}


ROWS = (
    failpoints.ROW,
    Row(
        3,
        "25/s, 300 random `kill -9` of services",
        "recovery ≤ 3 s (95 of 100; two that start at once share two cores)",
        kills,
    ),
    Row(
        4,
        "`kill -9` under load: of the only broker × 3, of leaders among three brokers × 3",
        "progress again ≤ 30 s",
        broker,
    ),
    Row(5, "PostgreSQL `kill -9` × 5 under load", "accepted requests answered after recovery", database),
    Row(
        6,
        "SIGTERM rolling restart × 2 at 50/s, with documents and feedback in flight",
        "0 errors, redelivery ≤ 1 %, each document indexed or gone, one label per thumb, each stop ≤ 8 s",
        rolling,
    ),
    Row(
        7,
        f"SIGSTOP {_FROZEN_S:.0f} s, then SIGCONT",
        "the stale instance's commit and release are refused",
        zombie,
    ),
)
