"""Limits on the calls of each API key."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, RateLimitError
from septet_gateway.application import quotas as quotas_module
from septet_gateway.application.quotas import Quotas
from septet_gateway.domain.errors import ApiError
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, World, respond

CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "septet", "messages": [{"role": "user", "content": "What is a deque?"}]}


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minute_slides() -> None:
    clock = Clock()
    quotas = Quotas(per_minute=2, clock=clock)
    for at in (0.0, 30.0):
        clock.now = 1000.0 + at
        with quotas.call("k"):
            pass
    clock.now = 1059.75
    with pytest.raises(ApiError) as refused, quotas.call("k"):
        pass
    assert (refused.value.status, refused.value.code) == (429, "rate_limit_exceeded")
    assert refused.value.headers == {"retry-after": "1", "retry-after-ms": "250"}
    with quotas.call("another"):
        pass
    clock.now = 1060.0
    with quotas.call("k"):
        pass
    with pytest.raises(ApiError) as refused, quotas.call("k"):
        pass
    assert refused.value.headers["retry-after"] == "30"


def test_calls_in_progress_are_counted_for_each_key() -> None:
    quotas = Quotas(per_minute=2, concurrent=1)
    with quotas.call("k"):
        with pytest.raises(ApiError) as refused, quotas.call("k"):
            pass
        with quotas.call("another"):
            pass
    assert (refused.value.status, refused.value.code) == (429, "concurrency_limit_exceeded")
    # The refused call is not one of the two a minute.
    with quotas.call("k"):
        pass
    with pytest.raises(ApiError, match="2 calls a minute"), quotas.call("k"):
        pass


def test_the_counts_are_bounded_and_keep_calls_in_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas_module, "_KEYS", 2)
    quotas = Quotas(per_minute=1, concurrent=1)
    with quotas.call("running"):
        for n in range(5):
            with quotas.call(f"k-{n}"):
                pass
        assert list(quotas._usage) == ["running", "k-4"]
        with pytest.raises(ApiError), quotas.call("running"):
            pass
    for n in (5, 6):
        with quotas.call(f"k-{n}"):
            pass
    assert list(quotas._usage) == ["k-5", "k-6"]


def test_calls_have_no_limit_by_default(client: TestClient) -> None:
    assert {client.get("/v1/models").status_code for _ in range(200)} == {200}


def test_every_call_of_a_key_counts(world: World) -> None:
    with open_client(world, key_requests_per_minute=3) as client:
        assert client.get("/v1/models").status_code == 200
        assert client.put("/v1/septet/documents/d", json={"text": "t"}).status_code == 403
        assert client.post(CHAT, json={}).status_code == 400
        response = client.post(CHAT, json=BODY)
        assert (response.status_code, response.json()["error"]["type"]) == (429, "rate_limit_error")
        assert response.json()["error"]["code"] == "rate_limit_exceeded"
        assert 55 <= int(response.headers["retry-after"]) <= 60
        assert 55_000 <= int(response.headers["retry-after-ms"]) <= 60_000
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
            assert (await client.get("/v1/models")).status_code == 200
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
        statuses.append((await client.get("/v1/models")).status_code)
    assert statuses == [429, 200]


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
