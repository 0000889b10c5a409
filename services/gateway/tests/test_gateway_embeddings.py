"""The client of the embeddings endpoint, on a server in this process."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from septet_gateway.adapters import embeddings
from septet_gateway.adapters.embeddings import EmbeddingsEndpoint
from septet_gateway.domain.errors import ApiError
from septet_kit import KitSettings

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]
PACKED = base64.b64encode(np.array([0.5, -0.25], dtype="<f4").tobytes()).decode()
BODY = {"model": "m", "input": "x"}


@asynccontextmanager
async def endpoint(serve: Serve) -> AsyncIterator[EmbeddingsEndpoint]:
    app = web.Application()
    app.router.add_post("/embeddings", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    client = EmbeddingsEndpoint(KitSettings(embeddings_url=f"http://{host}:{port}"))
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


def answer() -> dict[str, Any]:
    return {"object": "list", "model": "m", "data": [{"index": 0, "embedding": PACKED}]}


async def test_vectors_are_requested_in_base64_whatever_the_client_wants() -> None:
    sent: list[Any] = []

    async def serve(request: web.Request) -> web.Response:
        sent.append((await request.json())["encoding_format"])
        return web.json_response(answer())

    async with endpoint(serve) as client:
        floats = json.loads((await client.create(BODY, "shown")).body)
        packed = json.loads((await client.create({**BODY, "encoding_format": "base64"}, "shown")).body)
    assert sent == ["base64", "base64"]
    assert (floats["model"], floats["data"][0]["embedding"]) == ("shown", [0.5, -0.25])
    assert packed["data"][0]["embedding"] == PACKED


async def test_a_limited_number_of_calls_is_in_progress() -> None:
    running = most = 0
    go = asyncio.Event()

    async def serve(_: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 8:
            asyncio.get_running_loop().call_later(0.1, go.set)
        await go.wait()
        running -= 1
        return web.json_response(answer())

    async with endpoint(serve) as client:
        await asyncio.gather(*(client.create(BODY, "m") for _ in range(30)))
    assert most == 8


async def test_a_long_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "_LONGEST_ANSWER", 1000)

    async def serve(_: web.Request) -> web.Response:
        return web.json_response({**answer(), "junk": "x" * 2000})

    async with endpoint(serve) as client:
        with pytest.raises(ApiError) as error:
            await client.create(BODY, "m")
    assert (error.value.status, error.value.code) == (502, "embeddings_unavailable")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "[" * 100_000, 502),
        (200, '{"data": [{"embedding": [NaN]}]}', 502),
        (200, "no JSON", 502),
        (401, '{"error": {"message": "bad key"}}', 503),
        (400, '{"error": {"message": "too long"}}', 400),
    ],
)
async def test_answers_that_are_no_vectors_have_a_status(status: int, body: str, expected: int) -> None:
    async def serve(_: web.Request) -> web.Response:
        return web.Response(text=body, status=status)

    async with endpoint(serve) as client:
        with pytest.raises(ApiError) as error:
            await client.create(BODY, "m")
    assert error.value.status == expected


async def test_a_large_answer_is_rendered_outside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    inline = embeddings.offload

    async def offload(size: int, *args: Any) -> Any:
        sizes.append(size)
        return await inline(size, *args)

    monkeypatch.setattr(embeddings, "offload", offload)

    async def serve(_: web.Request) -> web.Response:
        return web.json_response({**answer(), "junk": "x" * 100_000})

    async with endpoint(serve) as client:
        await client.create(BODY, "m")
    assert sizes[0] > inline.inline
