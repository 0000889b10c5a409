"""Bodies of any content, and limits on their size and time."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from septet_gateway.api import bodies
from septet_gateway.app import _api_server
from starlette.testclient import TestClient

from .support import World
from .test_gateway_api import CHAT
from .test_gateway_stream import scope_of


@pytest.mark.parametrize("deadline", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59"])
def test_an_extreme_deadline_is_limited(client: TestClient, world: World, deadline: str) -> None:
    response = client.post("/v1/septet/requests", json={"question": "q", "deadline": deadline})
    assert response.status_code in (200, 504)
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", '{"model": [], "input": "x"}'),
        ("/v1/embeddings", r'{"model": "\ud800", "input": "x"}'),
        (CHAT, '{"model": "septet", "messages": [{"role": ["user"], "content": "q"}]}'),
        (CHAT, '{"model": "septet", "messages": [{"role": {}, "content": "q"}]}'),
        (CHAT, r'{"model": "septet", "\udfff": 1, "messages": [{"role": "user", "content": "q"}]}'),
        ("/v1/responses", '{"model": "septet", "input": "q", "tools": [{"type": "function", "x": NaN}]}'),
        ("/v1/responses", '{"model": "septet", "input": "q", "tools": [{"type": "function", "x": 1e999}]}'),
        ("/v1/septet/requests", r'{"question": "\uD800"}'),
        ("/v1/septet/requests", b'{"question": "\xff"}'),
    ],
)
def test_a_body_of_hostile_values_is_the_clients_fault(
    client: TestClient, world: World, path: str, body: str | bytes
) -> None:
    response = client.post(path, content=body)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert world.log.published == []


def test_a_pair_of_surrogates_is_a_character(client: TestClient, world: World) -> None:
    body = r'{"question": "\ud83d\ude00 is fine"}'
    assert client.post("/v1/septet/requests", content=body).status_code == 200
    assert world.asked[0].question == "😀 is fine"


def test_large_bodies_are_parsed_outside_the_loop(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[bool] = []

    def parsed(body: bytes) -> Any:
        threads.append(threading.current_thread().name.startswith("offload"))
        return json.loads(body)

    monkeypatch.setattr(bodies, "_parsed", parsed)
    for size in (10, 100_000):
        client.post("/v1/septet/requests", json={"question": "q", "junk": "x" * size})
    assert threads == [False, True]


async def test_a_body_that_does_not_arrive_ends_its_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_BODY_TIMEOUT_S", 0.01)
    sent: list[Any] = []

    async def receive() -> Any:
        if not sent:
            sent.append(None)
            return {"type": "http.request", "body": b"{", "more_body": True}
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(5):
        await world.app()(scope_of(CHAT), receive, send)
    assert sent[1]["status"] == 408


def test_the_server_limits_its_connections(world: World) -> None:
    parts = world.parts(max_connections=7)
    assert _api_server(parts, timedelta(seconds=1)).config.limit_concurrency == 7
