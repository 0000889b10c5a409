"""The tables of usage, and two gateways on one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from septet_gateway.adapters.usage import PostgresUsage
from septet_gateway.api.routes import create_app
from septet_gateway.application.quotas import Quotas
from septet_gateway.domain.quotas import Limits
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS

from .support import KEYS, MemoryUsage, UsageRow, World, respond
from .usage_suite import LEASE, MakeTable, UsageSuite, at, report

CHAT = "/v1/chat/completions"
BODY = {"model": "septet", "messages": [{"role": "user", "content": "What is a deque?"}]}


class TestMemory(UsageSuite):
    @pytest.fixture
    def make(self) -> MakeTable:
        rows: dict[tuple[str, str], UsageRow] = {}
        charged: set[tuple[str, str]] = set()
        return lambda limits: MemoryUsage(limits, LEASE, rows, charged)


@pytest.mark.servers
class TestPostgres(UsageSuite):
    @pytest.fixture
    def make(self, pool: StorePool) -> MakeTable:
        return lambda limits: PostgresUsage(pool, limits, LEASE)

    async def test_concurrent_statements_grant_no_more_than_the_limit(self, pool: StorePool) -> None:
        limits = Limits(requests=25, concurrent=20)
        tables = [PostgresUsage(pool, limits, LEASE) for _ in range(40)]
        granted = await asyncio.gather(*(table.update(report(1), at(0)) for table in tables))
        assert sum(usage.granted for usage in granted) == 20
        await asyncio.gather(*(table.update(report(), at(0)) for table in tables))
        granted = await asyncio.gather(*(table.update(report(1), at(0)) for table in tables))
        assert sum(usage.granted for usage in granted) == 5

    async def test_the_database_has_the_time(self, pool: StorePool) -> None:
        table = PostgresUsage(pool, Limits(requests=600, tokens=6000), LEASE)
        assert (await table.update(report(600))).granted == 600
        assert (await table.update(report(tokens=6010))).tokens == pytest.approx(6010)
        await asyncio.sleep(0.3)
        usage = await table.update(report(1))
        assert usage.granted == 1
        assert usage.requests <= 600 + 1 - 600 * 0.3 / 60
        assert usage.tokens <= 6010 - 6000 * 0.3 / 60

    async def test_idle_keys_are_purged(self, pool: StorePool) -> None:
        table = PostgresUsage(pool, Limits(requests=1), LEASE)
        await table.update(report(1), at(-7200))
        await table.update(report(1, key="k-2"))
        await table.claim("acme", ["r-1"])
        assert await table.purge(timedelta(hours=1)) == 1
        assert await table.claim("acme", ["r-1"]) == set()
        await table.purge(timedelta(0))
        assert await table.claim("acme", ["r-1"]) == {"r-1"}
        await table.update(report(1, key="k-2"))
        assert await pool.fetch("SELECT key_id FROM key_usage", tenant=ALL_TENANTS) == [("k-2",)]


@asynccontextmanager
async def gateways(world: World, pool: StorePool, limits: Limits) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of two gateways that share PostgreSQL and nothing else but the log."""
    async with AsyncExitStack() as stack:
        clients = []
        parts = world.parts(keep_alive="PT0.05S")
        for _ in range(2):
            quotas = Quotas(PostgresUsage(pool, limits, LEASE), limits, LEASE)
            stack.push_async_callback(quotas.close)
            transport = httpx.ASGITransport(create_app(replace(parts, quotas=quotas)))
            client = httpx.AsyncClient(
                transport=transport,
                base_url="http://gateway",
                headers={"authorization": f"Bearer {KEYS['ask']}"},
            )
            clients.append(await stack.enter_async_context(client))
        yield clients


@pytest.mark.servers
async def test_two_gateways_share_the_calls_of_a_minute(world: World, pool: StorePool) -> None:
    async with gateways(world, pool, Limits(requests=10)) as clients:
        calls = (client.post(CHAT, json=BODY) for client in clients for _ in range(8))
        found = await asyncio.gather(*calls)
    assert sorted(r.status_code for r in found) == [200] * 10 + [429] * 6
    refused = [r for r in found if r.status_code == 429]
    assert {r.json()["error"]["code"] for r in refused} == {"rate_limit_exceeded"}
    # The next call fits when a tenth of the minute has passed since the tenth call.
    assert {r.headers["retry-after"] for r in refused} == {"6"}
    assert all(5000 < int(r.headers["retry-after-ms"]) <= 6000 for r in refused)
    assert len(world.asked) == 10


@pytest.mark.servers
async def test_two_gateways_share_the_calls_in_progress(world: World, pool: StorePool) -> None:
    world.log.answer = lambda _: None
    async with gateways(world, pool, Limits(concurrent=3)) as (first, second):
        streams = [
            asyncio.ensure_future(client.post(CHAT, json={**BODY, "stream": True}))
            for client in (first, first, second)
        ]
        async with asyncio.timeout(5):
            while len(world.asked) < 3:  # noqa: ASYNC110 - the log in memory notifies nobody
                await asyncio.sleep(0.01)
        for client in (first, second):
            refused = await client.get("/v1/models")
            assert (refused.status_code, refused.json()["error"]["code"]) == (
                429,
                "concurrency_limit_exceeded",
            )
        for asked in world.asked:
            world.waiting.deliver(respond(asked))
        assert [r.status_code for r in await asyncio.gather(*streams)] == [200] * 3
        async with asyncio.timeout(5):
            while (await second.get("/v1/models")).status_code == 429:  # noqa: ASYNC110 - polls the API
                await asyncio.sleep(0.01)


@pytest.mark.servers
async def test_two_gateways_share_the_tokens(world: World, pool: StorePool) -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 30}
    world.log.answer = lambda request: respond(request, usage=usage)
    async with gateways(world, pool, Limits(tokens=100)) as (first, second):
        answered = await first.post(CHAT, json=BODY)
        assert answered.headers["x-ratelimit-remaining-tokens"] == "100"
        async with asyncio.timeout(5):
            while (refused := await second.post(CHAT, json=BODY)).status_code != 429:  # noqa: ASYNC110 - polls the API
                await asyncio.sleep(0.01)
    assert refused.headers["x-ratelimit-remaining-tokens"] == "0"
    over = 120 * len(world.asked) - 100 + 1
    assert over * 0.6 - 5 < int(refused.headers["retry-after"]) <= over * 0.6 + 1
