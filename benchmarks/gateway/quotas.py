"""Time that the shared quota adds to a call of the gateway.

``python -m benchmarks.gateway.quotas [--json FILE]`` starts a PostgreSQL server and two gateways on it in this process:
one without limits, and one that counts requests, tokens and calls in progress, with limits that no call reaches. They
answer over HTTP, and a log in memory answers each request at once, so that the gateway's own work remains. Calls of both
alternate in random order, so that load on the machine meets both. The rows are calls one after the other, and 16 at a time.

``statements`` compares two ways to count the calls of one key with 8 connections: the quota's statement next to the
insertion of the request id, and both in one transaction. The latter holds the key's row until the disk has the request id.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4, uuid5

import aiohttp
import uvicorn
from pydantic import SecretStr
from septet_contracts import Request, Response, Usage, event_id
from septet_gateway.adapters import usage as usage_statements
from septet_gateway.adapters.postgres import SCHEMA, PostgresKeys, PostgresRequests
from septet_gateway.adapters.usage import PostgresUsage
from septet_gateway.api.routes import Parts, create_app
from septet_gateway.application.asking import Asker
from septet_gateway.application.authentication import Authenticator
from septet_gateway.application.backpressure import Backpressure
from septet_gateway.application.cancelling import Canceller
from septet_gateway.application.indexing import Changes, Indexer
from septet_gateway.application.quotas import Quotas
from septet_gateway.application.waiting import Waiting
from septet_gateway.domain.quotas import Limits
from septet_gateway.ports import UsageReport
from septet_gateway.settings import GatewaySettings
from septet_kit.observe.health import Server
from septet_kit.settings import KitSettings
from septet_kit.store.pool import StorePool, open_pool

from benchmarks.pgvector.server import server

SECRET = b"s" * 32
LIMITS = Limits(requests=100_000, tokens=1_000_000_000, concurrent=10_000)
LEASE = timedelta(seconds=15)
CALLS, WARM_UP, AT_ONCE = 600, 60, 16
STATEMENTS, CONNECTIONS = 1000, 8
USAGE_CONNECTIONS = 2
BODY = {"model": "septet", "messages": [{"role": "user", "content": "What is a deque?"}]}
CASES = {"models": ("GET", "/v1/models"), "chat": ("POST", "/v1/chat/completions")}


class EchoLog:
    """A log that answers each request at once."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting

    async def publish(self, event: Any) -> None:
        """Schedule the response."""
        asyncio.get_running_loop().call_soon(self._waiting.deliver, _response(event))

    async def publish_document(self, _: Any) -> datetime:
        """No call of this benchmark writes documents."""
        raise NotImplementedError

    async def find(self, *_: Any) -> Response | None:
        """No call of this benchmark is repeated."""
        raise NotImplementedError


def _response(request: Request) -> Response:
    return Response(
        request_id=request.request_id,
        tenant=request.tenant,
        event_id=uuid5(event_id(request.tenant, request.request_id, Response.STEP), "v2"),
        occurred_at=datetime.now(UTC),
        status="answered",
        question=request.query,
        answer="A deque is a queue [1].",
        answer_kind="generated",
        usage=Usage(prompt_tokens=300, completion_tokens=40, model_calls=1),
    )


class NoEmbeddings:
    """No call of this benchmark embeds."""

    model = "none"

    async def create(self, *_: Any) -> Any:
        """Not used."""
        raise NotImplementedError


async def main() -> dict[str, Any]:
    """Measure all rows."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(server())
        kit = KitSettings(postgres_dsn=SecretStr(postgres.dsn_of(SCHEMA)), instance="gateway-0")
        pools = [await stack.enter_async_context(open_pool(kit, SCHEMA)) for _ in range(2)]
        key = await PostgresKeys(pools[0]).create("default", "bench", ("ask",), SECRET)
        counting = kit.model_copy(update={"postgres_pool": USAGE_CONNECTIONS})
        usage_pool = await stack.enter_async_context(open_pool(counting, SCHEMA))
        addresses = [
            await stack.enter_async_context(_gateway(pool, usage_pool, limits))
            for pool, limits in zip(pools, (Limits(), LIMITS), strict=True)
        ]
        session = await stack.enter_async_context(
            aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"})
        )
        rows: dict[str, Any] = {}
        for name, (method, path) in CASES.items():
            for at_once in (1, AT_ONCE):
                rows[f"{name}_{at_once}_at_a_time"] = await _compare(
                    session, addresses, method, path, at_once
                )
        wide = kit.model_copy(update={"postgres_pool": CONNECTIONS})
        pool = await stack.enter_async_context(open_pool(wide, SCHEMA))
        return {"calls": CALLS, "rows": rows, "statements": await _statements(pool)}


@asynccontextmanager
async def _gateway(pool: StorePool, usage_pool: StorePool, limits: Limits) -> AsyncIterator[str]:
    settings = GatewaySettings(port=0)
    waiting = Waiting(settings.max_waiting, settings.max_waiting_per_tenant)
    log = EchoLog(waiting)
    quotas = Quotas(PostgresUsage(usage_pool, limits, LEASE), limits, LEASE)
    requests = PostgresRequests(pool)
    canceller = Canceller(log, requests, waiting, settings.cancel_grace)
    parts = Parts(
        settings,
        Authenticator(PostgresKeys(pool), SECRET, settings.key_cache),
        quotas,
        Asker(log, requests, waiting, Backpressure(settings.max_backlog), settings.response_margin),
        Indexer(log, Changes(settings.max_waiting)),
        log,
        NoEmbeddings(),
        canceller,
    )
    config = uvicorn.Config(create_app(parts), host="127.0.0.1", port=0, log_level="error", lifespan="off")
    api = Server(config)
    serving = asyncio.ensure_future(api.serve())
    try:
        while not api.started:  # noqa: ASYNC110 - readiness is polled
            await asyncio.sleep(0.01)
        port = api.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        api.should_exit = True
        await serving
        await canceller.close()
        await quotas.close()


async def _compare(
    session: aiohttp.ClientSession, addresses: list[str], method: str, path: str, at_once: int
) -> dict[str, Any]:
    """Latencies of both gateways, whose calls alternate in random order."""
    plain: list[float] = []
    counted: list[float] = []
    order = [0, 1] * (CALLS + WARM_UP)
    random.Random(7).shuffle(order)
    places = asyncio.Semaphore(at_once)

    async def call(which: int, *, is_measured: bool) -> None:
        async with places:
            began = time.perf_counter()
            json_body = BODY if method == "POST" else None
            async with session.request(method, addresses[which] + path, json=json_body) as response:
                await response.read()
                assert response.status == 200, response.status
            if is_measured:
                (plain, counted)[which].append(time.perf_counter() - began)

    await asyncio.gather(*(call(w, is_measured=n >= 2 * WARM_UP) for n, w in enumerate(order)))
    return {
        "without_ms": _summary(plain),
        "with_ms": _summary(counted),
        "added_p50_ms": round((statistics.median(counted) - statistics.median(plain)) * 1000, 3),
        "ratio_p50": round(statistics.median(counted) / statistics.median(plain), 3),
    }


async def _statements(pool: StorePool) -> dict[str, Any]:
    table = PostgresUsage(pool, replace(LIMITS, concurrent=None), LEASE)
    requests = PostgresRequests(pool)
    report = UsageReport("default", "one-key", 1, 0, 0)
    await table.update(report)

    async def apart() -> None:
        await table.update(report)
        await requests.record("default", uuid4().hex, "d")

    async def together() -> None:
        async with pool.transaction("default") as connection:
            await connection.fetchrow(usage_statements._UPDATE, *_ARGS)
            await connection.execute(_RECORD, "default", uuid4().hex, "d")

    return {
        "apart_per_second": await _rate(apart),
        "in_one_transaction_per_second": await _rate(together),
        "usage_alone_per_second": await _rate(lambda: table.update(report)),
    }


_ARGS = (
    "one-key",
    "bench",
    1,
    0,
    0,
    LIMITS.requests,
    LIMITS.tokens,
    None,
    LEASE.total_seconds(),
    None,
    "default",
)
_RECORD = "INSERT INTO published (tenant, request_id, digest) VALUES ($1, $2, $3)"


async def _rate(step: Callable[[], Awaitable[object]]) -> int:
    """Steps a second, with as many at a time as there are connections."""
    places = asyncio.Semaphore(CONNECTIONS)

    async def one() -> None:
        async with places:
            await step()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(STATEMENTS)))
    return round(STATEMENTS / (time.perf_counter() - began))


def _summary(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "p50": round(cuts[49] * 1000, 3),
        "p90": round(cuts[89] * 1000, 3),
        "p99": round(cuts[98] * 1000, 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="file for the result")
    target: Path | None = parser.parse_args().json
    result = json.dumps(asyncio.run(main()), indent=2)
    print(result)
    if target is not None:
        target.write_text(result + "\n", encoding="utf-8")
