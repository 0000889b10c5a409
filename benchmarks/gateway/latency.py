"""Latency of the same request over HTTP and over Kafka: ``python -m benchmarks.gateway.latency [--json FILE]``.

Each round sends requests at 10/s on a fixed schedule over each way in turn: Kafka and ``POST /v1/septet/requests``. A request wants no retrieval, no cache and no rails, and the stub model answers at once, so
that the path behind the gateway is short and equal. One client process measures from before the publish or call until the
response. Differences and ratios are computed within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import uvloop
from septet_contracts import topic

from benchmarks.circumstances import circumstances
from benchmarks.gateway.process import gateway
from benchmarks.overhead.contender import PATH, Body, Failed
from benchmarks.overhead.exchange import Exchange, exchanging
from benchmarks.overhead.loops import Sample, open_loop
from benchmarks.overhead.septet import BUS, stack

RATE, ROUNDS, SECONDS, WARM_S, PAUSE_S = 10.0, 8, 15.0, 8.0, 1.0
KAFKA, HTTP = "kafka", "/v1/septet/requests"
WAYS = (KAFKA, HTTP)
Send = Callable[[int], Awaitable[Body | None]]


def _request(number: int) -> dict[str, Any]:
    """The request, which is the same over each way."""
    return {"question": f"What is thing number {number}?", **BUS}


def _checked(response: Body) -> Body:
    if response["status"] != "answered":
        raise Failed(f"{response['status']}: {response.get('error')}")
    return response


def over_kafka(exchange: Exchange) -> Send:
    """Publish a request, and wait for its response on the topic."""
    run = uuid4().hex[:8]

    async def send(number: int) -> Body:
        request_id = f"kafka-{run}-{number}"
        body = json.dumps({"request_id": request_id, **_request(number)}).encode()
        found: Body = json.loads(await exchange.request(f"default:{request_id}".encode(), body))
        return _checked(found)

    return send


@asynccontextmanager
async def over_http(url: str, key: str) -> AsyncIterator[Send]:
    """Call the gateway, on connections that stay open."""
    run = uuid4().hex[:8]
    async with aiohttp.ClientSession(url, headers={"authorization": f"Bearer {key}"}) as session:

        async def send(number: int) -> Body:
            headers = {"idempotency-key": f"http-{run}-{number}"}
            async with session.post(HTTP, json=_request(number), headers=headers) as response:
                found: Body = await response.json()
                if response.status != 200:
                    raise Failed(f"{response.status}: {found}")
                return _checked(found)

        yield send


@asynccontextmanager
async def ways() -> AsyncIterator[dict[str, Send]]:
    """All ways to a running stack."""
    async with AsyncExitStack() as exits:
        servers, _ = await exits.enter_async_context(stack(lambda *_: None))
        assert servers.addresses is not None
        ends = topic(PATH[0]).name, topic(PATH[-1]).name
        exchange = await exits.enter_async_context(exchanging(servers.addresses.connection(), *ends))
        store = await exits.enter_async_context(gateway(servers))
        key = await store.table.create("default", "bench", ("ask",), store.secret)
        base = servers.addresses.gateway_url.removesuffix("/v1")
        yield {KAFKA: over_kafka(exchange), HTTP: await exits.enter_async_context(over_http(base, key))}


def order(number: int) -> Sequence[str]:
    """The order of the ways in a round: every second round is reversed."""
    return WAYS if number % 2 == 0 else WAYS[::-1]


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """Run all rounds; returns the result."""
    result = circumstances()
    numbers = itertools.count()
    runs: list[dict[str, Any]] = []
    async with ways() as senders:
        for way in WAYS:
            await open_loop(senders[way], numbers, RATE, WARM_S)
        for number in range(rounds):
            samples = {}
            for way in order(number):
                await asyncio.sleep(PAUSE_S)
                samples[way] = await open_loop(senders[way], numbers, RATE, seconds)
            runs.append({way: _figures(samples[way]) for way in WAYS})
    return result | {
        "plan": {"rate": RATE, "rounds": rounds, "seconds": seconds},
        "runs": runs,
        **summary(runs),
    }


def _figures(sample: Sample) -> dict[str, Any]:
    return {
        "responses": len(sample.latencies),
        "failures": sample.failures[:3],
        "p50_ms": round(sample.p50 * 1000, 2),
        "p99_ms": round(sample.p99 * 1000, 2),
        "behind_ms": round(sample.behind * 1000, 2),
    }


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over rounds: latencies of each way, and what the gateway adds to Kafka within a round."""
    latencies, added = {}, {}
    for way in WAYS:
        latencies[way] = {f: _median(run[way][f] for run in runs) for f in ("p50_ms", "p99_ms")}
    for way in WAYS[1:]:
        added[way] = {
            f"{figure}{kind}": {"median": _median(values), "min": min(values), "max": max(values)}
            for figure in ("p50", "p99")
            for kind, values in (
                ("_ms", [round(run[way][f"{figure}_ms"] - run[KAFKA][f"{figure}_ms"], 2) for run in runs]),
                ("_ratio", [round(run[way][f"{figure}_ms"] / run[KAFKA][f"{figure}_ms"], 3) for run in runs]),
            )
        }
    return {"latencies": latencies, "added": added}


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 3)


def main() -> None:
    """Measure and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each way in a round")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args()
    result = uvloop.run(measure(options.rounds, options.seconds))
    text = json.dumps(result, indent=1)
    if options.json:
        options.json.write_text(text + "\n", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
