"""The row of clients that use HTTP."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from pathlib import Path

from septet_cli.keys import open_keys

from ..fleet import Member
from ..http_traffic import HttpTraffic
from ..lab import BUS, Lab, Scale, lab, percentiles
from ..result import Claims, Row
from ..traffic import RESPONSES

_RATE = 25
# The model takes this long, so that a kill meets requests whose response is on its way.
_MODEL_MS = 400.0
# Between two kills, so that the requests that waited for the gateway are answered.
_UP_S = (3, 6)


async def kills(work: Path, seed: int, scale: Scale) -> Claims:
    """``kill -9`` of the gateway, again and again, at 25 requests/s; clients retry with the same idempotency key."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        gateway = await here.fleet.add("gateway")
        await gateway.ready()
        here.behave(latency_ms=_MODEL_MS)
        traffic = HttpTraffic(
            here.addresses.gateway_url, await _key(here), f"chaos-http-{seed}", random.Random(seed), BUS
        )
        stop = asyncio.Event()
        sending = asyncio.create_task(traffic.until(stop, _RATE))
        in_flight = [await _kill(here, gateway, traffic) for _ in range(scale.times(15, 2))]
        await gateway.ready()
        await asyncio.sleep(1)
        stop.set()
        await sending
        verdict = await here.verdict(traffic)
        claims.keep(verdict)
        await _same_response(here, traffic, claims)
        slowest = max(here.watch.latencies(traffic))
        p50, p99 = percentiles(gateway.recovery_s)
        claims.figure(
            kills=gateway.restarts,
            in_flight_at_kills=sum(in_flight),
            recovery_p50_s=p50,
            recovery_p99_s=p99,
            sent=verdict.sent,
            retries=dict(traffic.retries),
            slowest_s=slowest,
            statuses=dict(verdict.statuses),
        )
        claims.expect(sum(in_flight) > 0, "no request was in flight when the gateway was killed")
        claims.expect(verdict.answered == 1, f"not answered: {dict(verdict.codes)}")
    return claims


async def _key(here: Lab) -> str:
    async with open_keys(here.addresses) as store:
        return await store.table.create("default", "chaos", ("ask",), store.secret)


async def _kill(here: Lab, gateway: Member, traffic: HttpTraffic) -> int:
    """Kill the gateway at a random moment after it has become ready; returns the requests in flight."""
    await gateway.ready()
    await asyncio.sleep(here.rng.uniform(*_UP_S))
    in_flight, restarts = traffic.in_flight, gateway.restarts
    gateway.signal(signal.SIGKILL)
    while gateway.restarts == restarts:  # noqa: ASYNC110 - a process, not a task
        await asyncio.sleep(0.02)
    return in_flight


async def _same_response(here: Lab, traffic: HttpTraffic, claims: Claims) -> None:
    """Each client has a response, and it is the one on the log."""
    ids = {s.request_id for s in traffic.sent}
    on_log = {
        body["request_id"]: body["event_id"]
        for body in (json.loads(r.value) for r in await here.records(RESPONSES, ids))
    }
    without = ids - traffic.received.keys()
    other = [i for i, event in traffic.received.items() if on_log.get(i) != event]
    claims.expect(not without, f"{len(without)} clients got no response: {sorted(without)[:3]}")
    claims.expect(not other, f"{len(other)} clients got another response than that on the log: {other[:3]}")


ROWS = (
    Row(
        18,
        f"{_RATE}/s over HTTP, 15 random `kill -9` of the gateway; clients retry with the same `Idempotency-Key`",
        "each client gets the response on the log, each request is answered",
        kills,
    ),
)
