"""Calls that wait: their places, their memory, and clients that disconnect."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import pytest
from septet_contracts import Request, Response
from septet_gateway.application.indexing import Changes
from septet_gateway.application.places import Places
from septet_gateway.application.waiting import Waiting
from septet_gateway.domain.errors import ApiError

from .conftest import open_client
from .support import KEYS, World, respond
from .test_gateway_stream import scope_of

MESSAGES = [{"role": "user", "content": "q"}]
JUNK = "a-field-that-nothing-reads"
LARGE = {JUNK: [{}, {}]}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "septet", "messages": [{**MESSAGES[0], **LARGE}], **LARGE},
    "/v1/responses": {
        "model": "septet",
        "input": [{**MESSAGES[0], **LARGE}],
        "tools": [{"type": "function", "name": "f", **LARGE}],
    },
    "/v1/septet/requests": {"question": "q", **LARGE},
    "/v1/septet/checks": {"question": "q", "answer": "a", **LARGE},
}


def large_objects() -> list[Any]:
    return [o for o in gc.get_objects() if isinstance(o, dict) and JUNK in o]


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_call_does_not_keep_its_body_while_it_waits(world: World, path: str, *, is_stream: bool) -> None:
    body = json.dumps({**BODIES[path], "stream": is_stream})
    kept: list[Any] = []

    def answer(request: Request) -> Response:
        gc.collect()
        kept.extend(o for o in large_objects() if id(o) not in known)
        return respond(request)

    known = {id(o) for o in large_objects()}
    world.log.answer = answer
    with open_client(world, keep_alive="PT0.01S") as client:
        world.log.delay = 0.05
        assert client.post(path, content=body).status_code == 200
    assert len(world.asked) == 1
    assert kept == []


@pytest.mark.parametrize("path", [*BODIES, "/v1/septet/documents/d?wait=60"])
async def test_a_client_that_disconnects_leaves_its_place(world: World, path: str) -> None:
    published = asyncio.Event()
    world.log.answer = lambda _: published.set()
    world.log.index = lambda *_: published.set()
    app = world.app()
    fields = BODIES.get(path, {"text": "t"})
    incoming = [{"type": "http.request", "body": json.dumps(fields).encode(), "more_body": False}]

    async def receive() -> Any:
        if incoming:
            return incoming.pop()
        await published.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        pass

    name, _, query = path.partition("?")
    scope = {**scope_of(name), "query_string": query.encode()}
    if query:
        scope |= {"method": "PUT", "headers": [(b"authorization", f"Bearer {KEYS['documents']}".encode())]}
    async with asyncio.timeout(5):
        await app(scope, receive, send)
    assert len(world.log.published) - len(world.cancelled) == 1
    assert world.waiting.places.count == 0


def test_one_tenant_leaves_places_to_others() -> None:
    places = Places(limit=3, per_tenant=2)
    with places.take("acme"), places.take("acme"):
        with pytest.raises(ApiError) as own, places.take("acme"):
            pass
        with places.take("globex"), pytest.raises(ApiError) as full, places.take("globex"):
            pass
    assert (own.value.status, full.value.status) == (429, 429)
    assert ("2 calls of this tenant" in own.value.message, full.value.message) == (True, "3 calls wait")
    assert places.count == 0


async def test_requests_and_documents_have_places_for_each_tenant() -> None:
    waiting, changes = Waiting(10, 1), Changes(10, 1)
    with waiting.expect("acme", "r-1", ""), changes.watch("acme", "d-1"):
        with pytest.raises(ApiError), waiting.expect("acme", "r-2", ""):
            pass
        with pytest.raises(ApiError), changes.watch("acme", "d-2"):
            pass
        with waiting.expect("globex", "r-1", ""), changes.watch("globex", "d-1"):
            pass


@pytest.mark.parametrize("stream", [False, True])
def test_too_many_messages_are_refused_before_each_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    def read(*_: Any) -> None:
        raise AssertionError("the messages were read")

    monkeypatch.setattr("septet_gateway.domain.chat.messages_of", read)
    monkeypatch.setattr("septet_gateway.domain.responses.messages_of", read)
    with open_client(world) as client:
        for path, field in (("/v1/chat/completions", "messages"), ("/v1/responses", "input")):
            sent = {"model": "septet", field: MESSAGES * 201, "stream": stream}
            response = client.post(path, json=sent)
            assert (response.status_code, response.json()["error"]["param"]) == (400, field)
