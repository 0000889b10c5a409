"""Limits on the calls of each API key."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, RateLimitError
from septet_gateway.api.routes import create_app
from septet_gateway.application.quotas import Admission, Quotas
from septet_gateway.domain.errors import ApiError
from septet_gateway.domain.keys import Caller
from septet_gateway.domain.quotas import Limits, Usage, duration, rate_headers, refusal
from septet_kit.errors import Transient
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, MemoryUsage, UsageRow, World, respond
from .usage_suite import LEASE, at, report

CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "septet", "messages": [{"role": "user", "content": "What is a deque?"}]}


CALLER = Caller("acme", "k", frozenset({"ask"}))
ANOTHER = Caller("acme", "another", frozenset({"ask"}))


def quotas_of(limits: Limits, lease: timedelta = LEASE) -> tuple[Quotas, MemoryUsage]:
    """Quotas and their table."""
    table = MemoryUsage(limits, lease, {})
    return Quotas(table, limits, lease), table


async def until_reported(quotas: Quotas) -> None:
    """Wait until nothing is left to report."""
    async with asyncio.timeout(5):
        while quotas._claims._task or any(key.reporting for key in quotas._keys.values()):  # noqa: ASYNC110 - nothing notifies
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0112, "12ms"),
        (0.9991, "1s"),
        (1, "1s"),
        (7.66, "7.66s"),
        (59.9991, "1m0s"),
        (360, "6m0s"),
        (3723.5, "1h2m3.5s"),
    ],
)
def test_a_time_is_written_as_openai_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_headers_of_a_limit() -> None:
    limits = Limits(requests=5000, tokens=160_000, concurrent=3)
    assert rate_headers(limits, Usage(1, 1, 160_024.5)) == {
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-reset-requests": "12ms",
        "x-ratelimit-limit-tokens": "160000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "1m0.01s",
    }
    assert rate_headers(Limits(concurrent=3), Usage(1)) == {}


@pytest.mark.parametrize(
    ("usage", "wait_ms", "message"),
    [
        # A sixtieth of a minute for each call above 59, and a hundredth of a second for each token above 5,999.
        (Usage(0, 59.5, 0), "500", "60 calls a minute"),
        (Usage(0, 60, 6199), "2000", "6000 tokens a minute"),
        (Usage(0, 60, 6099.5), "1005", "6000 tokens a minute"),
        (Usage(0, 60, 6001), "1000", "60 calls a minute"),
    ],
)
def test_the_error_has_the_longest_wait(usage: Usage, wait_ms: str, message: str) -> None:
    error = refusal(Limits(60, 6000, 5), usage)
    assert (error.status, error.code) == (429, "rate_limit_exceeded")
    assert error.headers["retry-after-ms"] == wait_ms
    assert error.headers["retry-after"] == str(-(-int(wait_ms) // 1000))
    assert message in error.message


def test_the_error_of_calls_in_progress_has_a_second_to_wait() -> None:
    error = refusal(Limits(60, None, 5), Usage(0, 59 + 1e-9))
    assert (error.status, error.code) == (429, "concurrency_limit_exceeded")
    assert (error.headers["retry-after"], error.headers["retry-after-ms"]) == ("1", "1000")


async def test_calls_that_arrive_together_share_a_statement() -> None:
    quotas, table = quotas_of(Limits(requests=50))
    found = await asyncio.gather(*(quotas.admit(CALLER) for _ in range(60)), return_exceptions=True)
    assert sum(isinstance(each, Admission) for each in found) == 50
    assert {e.code for e in found if isinstance(e, ApiError)} == {"rate_limit_exceeded"}
    assert len(table.reports) <= 2


async def test_a_call_is_in_progress_until_it_ends() -> None:
    quotas, table = quotas_of(Limits(concurrent=1))
    admission = await quotas.admit(CALLER)
    with pytest.raises(ApiError, match="1 calls in progress"):
        await quotas.admit(CALLER)
    (await quotas.admit(ANOTHER)).end()
    admission.end()
    await until_reported(quotas)
    assert table.rows["acme", "k"].running == {}
    (await quotas.admit(CALLER)).end()
    await until_reported(quotas)
    assert quotas._keys == {}


async def test_tokens_are_written_when_the_call_ends() -> None:
    quotas, table = quotas_of(Limits(tokens=100))
    admission = await quotas.admit(CALLER)
    admission.charge(150)
    admission.end()
    await until_reported(quotas)
    assert table.rows["acme", "k"].tokens == pytest.approx(150, abs=5)
    with pytest.raises(ApiError, match="100 tokens a minute"):
        await quotas.admit(CALLER)


async def test_a_call_without_a_limit_of_tokens_costs_one_statement() -> None:
    quotas, table = quotas_of(Limits(requests=10))
    admission = await quotas.admit(CALLER)
    admission.charge(150)
    admission.end()
    await quotas.close()
    assert len(table.reports) == 1
    assert quotas._keys == {}


async def test_no_limits_cost_no_statement() -> None:
    quotas, table = quotas_of(Limits())
    (await quotas.admit(CALLER)).end()
    assert table.reports == []


async def test_a_call_whose_client_disconnects_while_it_waits_takes_no_place() -> None:
    """Before the statement, while it runs, and between its answer and the call's next step."""
    quotas, table = quotas_of(Limits(concurrent=1))
    for steps in range(4):
        waiting = asyncio.ensure_future(quotas.admit(CALLER))
        for _ in range(steps):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await until_reported(quotas)
        if waiting.cancelled():
            assert table.rows.get(("acme", "k"), UsageRow(at(0))).running == {}
        else:
            waiting.result().end()
            await until_reported(quotas)
    (await quotas.admit(CALLER)).end()


async def test_a_failed_statement_fails_its_calls_and_loses_nothing() -> None:
    quotas, table = quotas_of(Limits(tokens=100, concurrent=2), timedelta(seconds=0.03))
    reporting = asyncio.ensure_future(quotas.run())
    admission = await quotas.admit(CALLER)
    table.error = Transient("store_unavailable", "PostgreSQL")
    for _ in range(2):
        with pytest.raises(Transient):
            await quotas.admit(CALLER)
    admission.charge(70)
    admission.end()
    await until_reported(quotas)
    table.error = None
    async with asyncio.timeout(5):
        while quotas._keys:  # noqa: ASYNC110 - nothing notifies
            await asyncio.sleep(0.005)
    reporting.cancel()
    row = table.rows["acme", "k"]
    assert row.running == {}
    assert row.tokens == pytest.approx(70, abs=5)


async def test_a_lease_is_renewed_while_a_call_is_in_progress() -> None:
    lease = timedelta(seconds=0.3)
    quotas, table = quotas_of(Limits(concurrent=1), lease)
    other = MemoryUsage(Limits(concurrent=1), lease, table.rows)
    reporting = asyncio.ensure_future(quotas.run())
    admission = await quotas.admit(CALLER)
    await asyncio.sleep(0.5)
    assert (await other.update(report(1))).granted == 0
    admission.end()
    await until_reported(quotas)
    assert (await other.update(report(1))).granted == 1
    reporting.cancel()


async def test_the_tokens_of_a_request_are_counted_once_by_all_instances() -> None:
    limits, rows, charged = Limits(tokens=10_000), dict[tuple[str, str], UsageRow](), set[tuple[str, str]]()
    all_quotas = [Quotas(MemoryUsage(limits, LEASE, rows, charged), limits, LEASE) for _ in range(2)]
    for quotas in all_quotas:
        calls = [await quotas.admit(CALLER) for _ in range(3)]
        for call in calls:
            call.charge(70, request_id="r-1")
            call.charge(5)
            call.end()
    for quotas in all_quotas:
        await until_reported(quotas)
        assert quotas._keys == {}
    assert rows["acme", "k"].tokens == pytest.approx(70 + 6 * 5, abs=5)


async def test_a_request_that_cannot_be_claimed_is_counted() -> None:
    quotas, table = quotas_of(Limits(tokens=10_000))
    call = await quotas.admit(CALLER)
    table.error = Transient("store_unavailable", "PostgreSQL")
    call.charge(70, request_id="r-1")
    await until_reported(quotas)
    table.error = None
    call.end()
    await quotas.close()
    assert table.rows["acme", "k"].tokens == pytest.approx(70, abs=5)


async def test_a_charge_without_tokens_leaves_the_request_to_others() -> None:
    quotas, table = quotas_of(Limits(tokens=10_000))
    call = await quotas.admit(CALLER)
    call.charge(0, request_id="r-1")
    call.charge(70, request_id="r-1")
    call.end()
    await quotas.close()
    assert table.rows["acme", "k"].tokens == pytest.approx(70, abs=5)


def test_calls_have_no_limit_by_default(client: TestClient) -> None:
    assert {client.get("/v1/models").status_code for _ in range(200)} == {200}
    assert not [name for name in client.get("/v1/models").headers if name.startswith("x-ratelimit")]


def test_every_call_of_a_key_counts(world: World) -> None:
    with open_client(world, key_requests_per_minute=3) as client:
        assert client.get("/v1/models").headers["x-ratelimit-remaining-requests"] == "2"
        assert client.put("/v1/septet/documents/d", json={"text": "t"}).status_code == 403
        assert client.post(CHAT, json={}).headers["x-ratelimit-remaining-requests"] == "0"
        response = client.post(CHAT, json=BODY)
        assert (response.status_code, response.json()["error"]["type"]) == (429, "rate_limit_error")
        assert response.json()["error"]["code"] == "rate_limit_exceeded"
        assert 15 <= int(response.headers["retry-after"]) <= 20
        assert 15_000 <= int(response.headers["retry-after-ms"]) <= 20_000
        assert response.headers["x-ratelimit-limit-requests"] == "3"
        other = {"authorization": f"Bearer {KEYS['globex']}"}
        assert client.get("/v1/models", headers=other).status_code == 200
        wrong = {"authorization": f"Bearer {KEYS['revoked']}"}
        assert client.get("/v1/models", headers=wrong).status_code == 401
    assert world.log.published == []


async def test_a_call_in_progress_takes_a_place_until_it_ends(world: World) -> None:
    published = asyncio.Event()
    world.log.answer = lambda _: published.set()
    transport = httpx.ASGITransport(world.app(key_concurrent_requests=1))
    headers = {"authorization": f"Bearer {KEYS['ask']}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        for fields in ({}, {"stream": True}):
            held = asyncio.ensure_future(client.post(CHAT, json={**BODY, **fields}))
            await asyncio.wait_for(published.wait(), 5)
            refused = await client.get("/v1/models")
            assert refused.json()["error"]["code"] == "concurrency_limit_exceeded"
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            held.cancel()
            await asyncio.gather(held, return_exceptions=True)
            assert await status_soon(client) == 200
            published.clear()


async def test_a_stream_takes_a_place_until_its_last_event(world: World) -> None:
    """The place is free when the body has been sent, not when the headers have."""
    world.log.answer = lambda _: None
    app = world.app(key_concurrent_requests=1, keep_alive="PT0.01S")
    headers = {"authorization": f"Bearer {KEYS['ask']}"}
    transport = httpx.ASGITransport(app)
    statuses: list[int] = []
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        streamed = asyncio.ensure_future(client.post(CHAT, json={**BODY, "stream": True}))
        await asyncio.sleep(0.1)
        statuses.append((await client.get("/v1/models")).status_code)
        world.waiting.deliver(respond(world.asked[0]))
        assert (await asyncio.wait_for(streamed, 5)).text.endswith("data: [DONE]\n\n")
        statuses.append(await status_soon(client))
    assert statuses == [429, 200]


async def status_soon(client: httpx.AsyncClient) -> int:
    """Status of a call. The end of the previous one is written in the background, so 429 is tried again."""
    async with asyncio.timeout(5):
        while (status := (await client.get("/v1/models")).status_code) == 429:  # noqa: ASYNC110 - polls the API
            await asyncio.sleep(0.01)
    return status


@pytest.mark.parametrize(
    ("path", "body", "tokens"),
    [
        (CHAT, BODY, 120),
        (CHAT, {**BODY, "stream": True}, 120),
        ("/v1/responses", {"model": "septet", "input": "q"}, 120),
        ("/v1/responses", {"model": "septet", "input": "q", "stream": True}, 120),
        ("/v1/septet/requests", {"question": "q"}, 120),
        ("/v1/septet/checks", {"question": "q"}, 120),
        ("/v1/embeddings", {"model": "all-MiniLM-L6-v2", "input": "q"}, 3),
    ],
)
def test_the_tokens_of_an_answer_are_charged(
    world: World, path: str, body: dict[str, Any], tokens: int
) -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 30}
    world.log.answer = lambda request: respond(request, usage=usage)
    with open_client(world, key_tokens_per_minute=10_000) as client:
        assert client.post(path, json=body).status_code == 200
        left = int(client.get("/v1/models").headers["x-ratelimit-remaining-tokens"])
    assert 0 <= left - (10_000 - tokens) < 100


def test_a_repeated_request_is_charged_once(world: World) -> None:
    world.log.answer = lambda request: respond(request, usage={"prompt_tokens": 90, "completion_tokens": 30})
    with open_client(world, key_tokens_per_minute=1000) as client:
        for _ in range(3):
            assert client.post(CHAT, json=BODY, headers={"idempotency-key": "k-1"}).status_code == 200
        assert int(client.get("/v1/models").headers["x-ratelimit-remaining-tokens"]) >= 880


async def test_concurrent_repeats_on_two_gateways_are_charged_once(world: World) -> None:
    """Each of the calls waits for the same response."""
    world.log.delay = 0.05
    world.log.answer = lambda request: respond(request, usage={"prompt_tokens": 90, "completion_tokens": 30})
    parts = world.parts(key_tokens_per_minute=1000)
    limits = parts.settings.limits
    quotas = [Quotas(MemoryUsage(limits, LEASE, world.usage, world.charged), limits, LEASE) for _ in range(2)]
    headers = {"authorization": f"Bearer {KEYS['ask']}", "idempotency-key": "k-1"}
    async with AsyncExitStack() as stack:
        calls = []
        for each in quotas:
            transport = httpx.ASGITransport(create_app(replace(parts, quotas=each)))
            client = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)
            await stack.enter_async_context(client)
            calls += [client.post(CHAT, json=BODY | {"stream": n == 2}) for n in range(3)]
        assert {response.status_code for response in await asyncio.gather(*calls)} == {200}
    for each in quotas:
        await until_reported(each)
    (row,) = world.usage.values()
    assert row.tokens == pytest.approx(120, abs=5)


def test_a_table_that_cannot_be_written_gives_503(world: World) -> None:
    parts = world.parts(key_requests_per_minute=3)
    parts.quotas._table.error = Transient("store_unavailable", "PostgreSQL")  # type: ignore[attr-defined]
    with TestClient(create_app(parts), headers={"authorization": f"Bearer {KEYS['ask']}"}) as client:
        response = client.get("/v1/models")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "store_unavailable")


async def test_the_client_raises_its_own_error(world: World) -> None:
    transport = httpx.ASGITransport(world.app(key_requests_per_minute=1))
    async with (
        httpx.AsyncClient(transport=transport) as http,
        AsyncOpenAI(
            base_url="http://gateway/v1", api_key=KEYS["ask"], http_client=http, max_retries=0
        ) as client,
    ):
        await client.responses.create(model="septet", input="q")
        with pytest.raises(RateLimitError) as refused:
            await client.responses.create(model="septet", input="q")
    assert refused.value.code == "rate_limit_exceeded"
