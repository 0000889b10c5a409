"""Rows without a crash: a baseline, and a soak."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import httpx
from septet_kit.observe.tracing import derived_context

from ...trace.spans import Spans, assert_one_root_and_every_edge
from ..lab import Lab, Scale, lab, percentiles
from ..result import Claims, Row
from ..traffic import Traffic

_TRACES_KEPT = 20_000
_SAMPLE = 500
_EXPORTED_S = 30


async def baseline(work: Path, seed: int, scale: Scale) -> Claims:
    """50 requests/s for 120 s, no fault: latency, and every trace whole."""
    claims = Claims()
    async with lab(work, seed, scale, servers={"max_traces": _TRACES_KEPT}) as here:
        warm = here.traffic()
        await warm.steady(10, 3)
        await here.watch.all_of(warm.sent, 60)
        traffic = here.traffic()
        await traffic.steady(50, scale.seconds(120, 5))
        claims.keep(await here.verdict(traffic))
        p50, p99 = percentiles(here.watch.latencies(traffic))
        claims.figure(sent=len(traffic.sent), p50_ms=p50 * 1000, p99_ms=p99 * 1000)
        await here.drained()
        await _traces(here, traffic, claims)
    return claims


async def _traces(here: Lab, traffic: Traffic, claims: Claims) -> None:
    """Read the traces of requests at random: each has one root and every hop under the hop before it."""
    ids = [s.request_id for s in traffic.sent]
    sample = random.Random(len(ids)).sample(ids, min(_SAMPLE, len(ids)))
    deadline = asyncio.get_running_loop().time() + _EXPORTED_S
    why: dict[str, str] = {}
    spans = 0
    async with httpx.AsyncClient(base_url=here.addresses.traces_url, timeout=10, trust_env=False) as http:
        for request_id in sample:
            # Spans are exported up to half a second after they ended.
            while (missing := await _missing(http, request_id)) is not None:
                if asyncio.get_running_loop().time() > deadline:
                    why[request_id] = missing
                    break
                await asyncio.sleep(0.2)
        for request_id in sample[:20]:
            spans += len(await _spans(http, request_id))
    claims.figure(traces_read=len(sample), traces_whole=len(sample) - len(why), spans_per_trace=spans / 20)
    claims.expect(not why, f"{len(why)} traces are not whole: {list(why.items())[:3]}")


async def _missing(http: httpx.AsyncClient, request_id: str) -> str | None:
    """What is wrong with the trace of a request; ``None``: nothing."""
    try:
        assert_one_root_and_every_edge(await _spans(http, request_id))
    except AssertionError as error:
        return " ".join(str(error).split())[:300]
    return None


async def _spans(http: httpx.AsyncClient, request_id: str) -> Spans:
    trace_id = f"{derived_context('default', request_id).trace_id:032x}"
    answer = await http.get(f"/api/traces/{trace_id}")
    if answer.status_code != httpx.codes.OK:
        return []
    (body,) = answer.json()["data"]
    services = {key: process["serviceName"] for key, process in body["processes"].items()}
    return [{**span, "service": services[span["processID"]]} for span in body["spans"]]


async def soak(work: Path, seed: int, scale: Scale) -> Claims:
    """10 requests/s for 30 minutes: resident memory per process must not grow by 1 MiB a minute."""
    claims = Claims()
    async with lab(work, seed, scale) as here:
        traffic = here.traffic()
        # Caches of the first minutes are no leak.
        await traffic.steady(10, 5 if scale.brief else scale.seconds(180))
        before = here.fleet.rss_mb()
        seconds = 10 if scale.brief else scale.seconds(1620)
        await traffic.steady(10, seconds)
        after = here.fleet.rss_mb()
        claims.keep(await here.verdict(traffic))
        growth = {name: (after[name] - before[name]) / (seconds / 60) for name in before}
        worst = max(growth, key=lambda name: growth[name])
        claims.figure(
            sent=len(traffic.sent),
            measured_s=seconds,
            worst=worst,
            growth_mib_per_min=growth[worst],
            resident_mib={name: round(size) for name, size in after.items()},
        )
        # Over less than five minutes, one arena more is a rate that means nothing.
        if seconds >= 300:
            claims.expect(growth[worst] < 1.0, f"{worst} grows by {growth[worst]:.2f} MiB a minute")
    return claims


ROWS = (
    Row(1, "50 requests/s × 120 s, no fault", "baseline latency, all traces whole", baseline),
    Row(16, "10/s × 30 min soak", "resident memory grows < 1 MiB/min per process", soak),
)
