"""Rows without a crash: a baseline, and a soak."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..lab import Scale, lab, percentiles
from ..result import Claims, Row


async def baseline(work: Path, seed: int, scale: Scale) -> Claims:
    """50 requests/s for 120 s, no fault: latency, and every trace whole."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        warm = here.traffic()
        await warm.steady(10, 3)
        await here.watch.all_of(warm, 60)
        traffic = here.traffic()
        await traffic.steady(50, scale.seconds(120, 5))
        claims.keep(await here.verdict(traffic))
        p50, p99 = percentiles(here.watch.latencies(traffic))
        claims.figure(sent=len(traffic.sent), p50_ms=p50 * 1000, p99_ms=p99 * 1000)
    return claims


async def soak(work: Path, seed: int, scale: Scale) -> Claims:
    """10 requests/s for 30 minutes: resident memory per process must not grow by 1 MiB a minute."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        # Caches of the first minutes are no leak.
        await traffic.steady(10, scale.seconds(180, 10))
        before = here.fleet.rss_mb()
        seconds = scale.seconds(1620, 20)
        await traffic.steady(10, seconds)
        after = here.fleet.rss_mb()
        claims.keep(await here.verdict(traffic))
        growth = {name: (after[name] - before[name]) / (seconds / 60) for name in before}
        worst = max(growth, key=lambda name: growth[name])
        claims.figure(sent=len(traffic.sent), worst=worst, growth_mib_per_min=growth[worst])
        # Over less than five minutes, one arena more is a rate that means nothing.
        if seconds >= 300:
            claims.expect(growth[worst] < 1.0, f"{worst} grows by {growth[worst]:.2f} MiB a minute")
    await asyncio.sleep(0)
    return claims


ROWS = (
    Row(1, "50 requests/s × 120 s, no fault", "baseline latency", baseline),
    Row(16, "10/s × 30 min soak", "resident memory grows < 1 MiB/min per process", soak),
)
