"""The limit of streams in progress of an API key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from .conftest import open_client
from .support import KEYS, World, respond

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
CALLS: list[tuple[str, dict[str, Any]]] = [
    (CHAT, {"model": "septet", "messages": [{"role": "user", "content": "q"}]}),
    (RESPONSES, {"model": "septet", "input": "q"}),
]


@asynccontextmanager
async def opened(world: World, key: str = "ask", **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(world.app(keep_alive="PT0.01S", **settings))
    headers = {"authorization": f"Bearer {KEYS[key]}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        yield client


async def until_asked(world: World, count: int) -> None:
    async with asyncio.timeout(5):
        while len(world.asked) < count:  # noqa: ASYNC110 - nothing notifies
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(("path", "body"), CALLS)
async def test_a_stream_above_the_limit_is_refused_until_another_ends(
    world: World, path: str, body: dict[str, Any]
) -> None:
    world.log.answer = lambda _: None
    streamed = body | {"stream": True}
    async with opened(world, key_concurrent_streams=2) as client:
        held = [asyncio.ensure_future(client.post(path, json=streamed)) for _ in range(2)]
        await until_asked(world, 2)
        refused = await client.post(path, json=streamed)
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (429, "stream_limit_exceeded")
        assert "2 streams in progress" in error["message"]
        assert (refused.headers["retry-after"], refused.headers["retry-after-ms"]) == ("1", "1000")
        world.log.answer = respond
        assert (await client.post(path, json=body)).status_code == 200
        other = {"authorization": f"Bearer {KEYS['globex']}"}
        assert (await client.post(path, json=streamed, headers=other)).status_code == 200
        for asked in world.asked[:2]:
            world.waiting.deliver(respond(asked))
        assert [each.status_code for each in await asyncio.gather(*held)] == [200] * 2
        async with asyncio.timeout(5):
            while (await client.post(path, json=streamed)).status_code == 429:  # noqa: ASYNC110 - polls the API
                await asyncio.sleep(0.005)
    assert len(world.asked) == 5


async def test_a_stream_that_its_client_leaves_is_no_longer_in_progress(world: World) -> None:
    world.log.answer = lambda _: None
    streamed = CALLS[0][1] | {"stream": True}
    async with opened(world, key_concurrent_streams=1) as client:
        left = asyncio.ensure_future(client.post(CHAT, json=streamed))
        await until_asked(world, 1)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        world.log.answer = respond
        async with asyncio.timeout(5):
            while (await client.post(CHAT, json=streamed)).status_code == 429:  # noqa: ASYNC110 - polls the API
                await asyncio.sleep(0.005)


@pytest.mark.parametrize("setting", [None, 5])
async def test_the_limit_of_a_key_replaces_the_setting(world: World, setting: int | None) -> None:
    world.log.answer = lambda _: None
    streamed = CALLS[0][1] | {"stream": True}
    async with opened(world, "one_stream", key_concurrent_streams=setting) as client:
        held = asyncio.ensure_future(client.post(CHAT, json=streamed))
        await until_asked(world, 1)
        refused = await client.post(CHAT, json=streamed)
        assert refused.json()["error"]["code"] == "stream_limit_exceeded"
        world.waiting.deliver(respond(world.asked[0]))
        assert (await held).status_code == 200


def test_streams_have_no_limit_by_default(world: World) -> None:
    with open_client(world) as client:
        assert client.post(CHAT, json=CALLS[0][1] | {"stream": True}).status_code == 200
    assert world.usage == {}


def test_a_stream_counts_as_a_call_too(world: World) -> None:
    with open_client(world, key_requests_per_minute=1, key_concurrent_streams=9) as client:
        assert client.post(CHAT, json=CALLS[0][1] | {"stream": True}).status_code == 200
        refused = client.post(CHAT, json=CALLS[0][1] | {"stream": True})
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
