"""Rows in which something that a service needs is away, slow or silent."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path
from urllib.parse import urlsplit

from septet_cli.stub.server import StubOptions

from ..fleet import SERVICES
from ..lab import FULL, Lab, Scale, lab
from ..proxy import Proxy, Weather, proxied
from ..result import Claims, Row
from ..traffic import Traffic

_TYPED = {
    "deadline_exceeded",
    "expired",
    "store_unavailable",
    "broker_unavailable",
    "model_timeout",
    "model_unavailable",
}


async def network(work: Path, seed: int, scale: Scale) -> Claims:
    """500±200 ms of delay, resets, and a black hole of 20 s, between every service and PostgreSQL."""
    claims = Claims()
    async with lab(work, seed, scale, services=False) as here:
        port = urlsplit(here.addresses.postgres_dsn).port
        assert port is not None
        weather = Weather(rng=here.rng)
        async with proxied(port, weather) as proxy:
            for service in SERVICES:
                dsn = here.environment[service]["SEPTET_POSTGRES_DSN"]
                here.environment[service]["SEPTET_POSTGRES_DSN"] = re.sub(
                    rf":{port}\b", f":{proxy.port}", dsn
                )
            await here.fleet.start()
            traffic = here.traffic()
            sending = asyncio.create_task(traffic.steady(5, scale.seconds(90, 12)))
            await _storm(proxy, weather, scale)
            await sending
            verdict = await here.verdict(traffic, ordered=False, settle_s=5)
            claims.keep(verdict)
            claims.figure(
                sent=len(traffic.sent), statuses=dict(verdict.statuses), proxied_mib=proxy.bytes / 2**20
            )
            claims.expect(proxy.bytes > 0, "nothing went through the proxy")
    return claims


async def _storm(proxy: Proxy, weather: Weather, scale: Scale) -> None:
    weather.delay_s, weather.jitter_s = 0.5, 0.2
    await asyncio.sleep(scale.seconds(20, 3))
    weather.delay_s = weather.jitter_s = 0.0
    for _ in range(5):
        await asyncio.sleep(scale.seconds(2, 0.3))
        proxy.reset()
    weather.silent = True
    await asyncio.sleep(scale.seconds(20, 4))
    weather.silent = False


async def away(work: Path, seed: int, scale: Scale) -> Claims:
    """The embeddings server (one side of the search) stopped for 60 s; then the model refuses for 60 s."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic({**FULL, "generate": False})
        await _stopped(here, "embeddings", traffic, scale.seconds(60, 8))
        verdict = await here.verdict(traffic, ordered=False)
        claims.keep(verdict)
        claims.figure(answered_without_embeddings=verdict.answered)
        claims.expect(verdict.answered >= 0.99, f"{verdict.answered:.3f} answered without embeddings")
        here.behave(fail_rate=1.0)
        failing = here.traffic(deadline_s=20)
        await failing.steady(2, scale.seconds(60, 6))
        here.behave(fail_rate=0.0)
        verdict = await here.verdict(failing, ordered=False)
        claims.keep(verdict)
        claims.figure(statuses_without_model=dict(verdict.statuses))
    return claims


async def _stopped(here: Lab, server: str, traffic: Traffic, seconds: float) -> None:
    sending = asyncio.create_task(traffic.steady(2, seconds + 4))
    await asyncio.sleep(2)
    here.signal_server(server, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        here.signal_server(server, signal.SIGCONT)
    await sending


async def hanging(work: Path, seed: int, scale: Scale) -> Claims:
    """A model that takes calls and never answers."""
    claims = Claims()
    async with lab(work, seed, scale, stub=StubOptions(hang=True)) as here:
        traffic = here.traffic(conversations=0, deadline_s=6)
        await traffic.steady(5, scale.seconds(20, 4))
        verdict = await here.verdict(traffic)
        claims.keep(verdict)
        late = max(here.watch.latencies(traffic)) - 6
        claims.figure(sent=len(traffic.sent), latest_after_deadline_s=late, statuses=dict(verdict.statuses))
        claims.expect(late <= 1.0, f"a failure came {late:.2f} s after the deadline")
        claims.expect(verdict.answered == 0, "something was answered by a model that hangs")
        here.behave(hang=False)
        again = here.traffic()
        await again.steady(5, 3)
        verdict = await here.verdict(again)
        claims.keep(verdict)
        claims.expect(verdict.answered == 1, f"after the hang: {dict(verdict.statuses)}")
    return claims


ROWS = (
    Row(10, "a TCP proxy: 500±200 ms, resets, a 20 s black hole", "only typed deadline failures", network),
    Row(
        11,
        "one side of the search away 60 s; the model away 60 s",
        "≥ 99 % answered, degraded; typed failures",
        away,
    ),
    Row(13, "the model hangs", "failure ≤ deadline + 1 s, and service again afterwards", hanging),
)
