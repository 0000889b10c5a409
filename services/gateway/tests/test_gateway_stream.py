"""Streamed chat completions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk
from septet_contracts import ErrorInfo, Usage
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, World, respond

PATH = "/v1/chat/completions"


def stream(client: TestClient, **fields: Any) -> tuple[Any, list[dict[str, Any]]]:
    """The response, and its events without the last one, which is checked."""
    messages = [{"role": "user", "content": "What is a deque?"}]
    response = client.post(PATH, json={"model": "septet", "messages": messages, "stream": True, **fields})
    assert response.status_code == 200
    events = response.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(e.startswith("data: ") and "\n" not in e for e in events[:-1])
    return response, [json.loads(e.removeprefix("data: ")) for e in events[:-2]]


def test_the_chunks_have_openais_form(client: TestClient, world: World) -> None:
    response, chunks = stream(client)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert (response.headers["x-accel-buffering"], response.headers["cache-control"]) == ("no", "no-cache")
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    assert [c["choices"][0]["delta"] for c in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "A deque is a queue [1]."},
        {},
    ]
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, "stop"]
    assert len({(c["id"], c["created"], c["model"]) for c in chunks}) == 1
    assert ["septet" in c for c in chunks] == [False, False, True]
    assert chunks[-1]["septet"]["request_id"] == world.asked[0].request_id
    assert not any("usage" in c for c in chunks)


def test_usage_is_sent_only_when_asked_for(client: TestClient, world: World) -> None:
    world.log.answer = lambda r: respond(r, usage=Usage(prompt_tokens=30, completion_tokens=7))
    _, chunks = stream(client, stream_options={"include_usage": True})
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == {"prompt_tokens": 30, "completion_tokens": 7, "total_tokens": 37}
    _, chunks = stream(client, stream_options={"include_usage": None})
    assert not any("usage" in c for c in chunks)


def test_stream_and_completion_have_the_same_answer(client: TestClient) -> None:
    _, chunks = stream(client, stop="[1]")
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
    messages = [{"role": "user", "content": "What is a deque?"}]
    whole = client.post(PATH, json={"model": "septet", "messages": messages, "stop": "[1]"}).json()
    assert text == whole["choices"][0]["message"]["content"] == "A deque is a queue "


def test_a_blocked_request_ends_with_the_content_filter(client: TestClient, world: World) -> None:
    world.log.answer = lambda r: respond(r, status="blocked", answer="차단되었습니다.")
    _, chunks = stream(client)
    assert chunks[1]["choices"][0]["delta"]["content"] == "차단되었습니다."
    assert chunks[2]["choices"][0]["finish_reason"] == "content_filter"


def test_keep_alives_are_empty_chunks(world: World) -> None:
    world.log.delay = 0.2
    with open_client(world, keep_alive="PT0.05S") as client:
        _, chunks = stream(client)
    deltas = [c["choices"][0]["delta"] for c in chunks]
    assert len(deltas) > 3
    assert deltas[0]["role"] == "assistant"
    assert all(d == {} for d in deltas[1:-2])
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)


def test_a_failure_in_mid_stream_is_an_error_event(world: World) -> None:
    world.log.delay = 0.1
    info = ErrorInfo(code="model_error", message="it failed")
    world.log.answer = lambda r: respond(r, status="failed", answer=None, error=info)
    with open_client(world, keep_alive="PT0.02S") as client:
        _, chunks = stream(client)
    assert chunks[-1]["error"]["code"] == "model_error"
    assert not any(c.get("choices", [{}])[0].get("finish_reason") for c in chunks[:-1])


async def test_a_client_that_disconnects_ends_its_wait(world: World) -> None:
    """The stream's generator is closed with the connection, and the waiter leaves the map."""
    world.log.answer = lambda _: None
    app = world.app(keep_alive="PT0.01S")
    sent: list[Any] = []
    enough = asyncio.Event()
    body = json.dumps(
        {"model": "septet", "stream": True, "messages": [{"role": "user", "content": "q"}]}
    ).encode()
    incoming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if incoming:
            return incoming.pop()
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) == 4:
            enough.set()

    await app(scope_of(PATH), receive, send)
    assert len(sent) >= 4
    assert not world.waiting.is_expected("acme", world.asked[0].request_id)


def scope_of(path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {KEYS['ask']}".encode())],
        "server": ("test", 80),
        "scheme": "http",
    }


@pytest.mark.parametrize("field", ["model", "messages"])
def test_an_invalid_body_has_an_http_status(client: TestClient, field: str) -> None:
    given = {"model": "septet", "messages": [{"role": "user", "content": "q"}], "stream": True, field: None}
    assert client.post(PATH, json=given).status_code == 400
