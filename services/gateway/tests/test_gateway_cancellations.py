"""Cancelled requests: by a client that disconnects, and by ``DELETE /v1/septet/requests/{request_id}``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from septet_contracts import ErrorInfo, Request
from septet_gateway.ports import Published
from septet_kit.errors import Transient
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, World, digest, respond
from .test_gateway_stream import scope_of

CHAT, RESPONSES, NATIVE = "/v1/chat/completions", "/v1/responses", "/v1/septet/requests"
OPTIONS = {"septet": {"conversation_id": "c-1"}}
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"model": "septet", "messages": [{"role": "user", "content": "q"}], **OPTIONS},
    RESPONSES: {"model": "septet", "input": "q", **OPTIONS},
    NATIVE: {"question": "q"},
}
CANCELLED = ErrorInfo(code="cancelled", message="the request was cancelled")


class Connection:
    """One HTTP call on the application; the client disconnects when :attr:`gone` is set."""

    def __init__(self, app: Any, path: str, *, stream: bool = False, key: str | None = None) -> None:
        self._app = app
        body = BODIES[path] | ({"stream": True} if stream else {})
        self._incoming = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
        self._scope = scope_of(path)
        if key is not None:
            self._scope["headers"].append((b"idempotency-key", key.encode()))
        self.on_sent: Callable[[], None] = lambda: None
        self.gone = asyncio.Event()
        self.sent: list[Any] = []

    async def run(self) -> None:
        """Handle the call to its end."""
        async with asyncio.timeout(10):
            await self._app(self._scope, self._receive, self._send)

    @property
    def text(self) -> str:
        """The body that the client has received."""
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.sent[0]["status"])

    async def _receive(self) -> Any:
        if self._incoming:
            return self._incoming.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)
        self.on_sent()


@asynccontextmanager
async def waiting(world: World, connection: Connection) -> AsyncIterator[asyncio.Task[None]]:
    """A call that waits for its response."""
    before = world.waiting.places.count
    task = asyncio.create_task(connection.run())
    async with asyncio.timeout(5):
        while world.waiting.places.count == before or not world.asked:
            assert not task.done()
            await asyncio.sleep(0.001)
    yield task


def is_cancelled(world: World) -> list[tuple[str, str, str | None]]:
    return [(c.tenant, c.request_id, c.conversation_id) for c in world.cancelled]


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize(
    ("stream", "keep_alive"),
    [(False, "PT5S"), (True, "PT5S"), (True, "PT0.001S")],
    ids=["whole", "early", "late"],
)
async def test_a_client_that_disconnects_cancels_its_request(
    world: World, path: str, stream: bool, keep_alive: str
) -> None:
    """A stream is watched before its first event, too."""
    world.log.answer = lambda _: None
    connection = Connection(world.app(keep_alive=keep_alive), path, stream=stream)
    async with waiting(world, connection) as task:
        if keep_alive == "PT0.001S":
            while len(connection.sent) < 4:  # noqa: ASYNC110 - the stream has no event
                await asyncio.sleep(0.001)
        connection.gone.set()
        await task
    await world.canceller.close()
    assert is_cancelled(world) == [("acme", world.asked[0].request_id, "c-1")]
    assert world.waiting.places.count == 0


async def test_a_client_that_disconnects_from_the_native_api_can_read_its_response_later(
    world: World,
) -> None:
    world.log.answer = lambda _: None
    connection = Connection(world.app(), NATIVE)
    async with waiting(world, connection) as task:
        connection.gone.set()
        await task
    await world.canceller.close()
    assert world.cancelled == []


@pytest.mark.parametrize("stream", [False, True])
async def test_a_disconnect_after_the_response_cancels_nothing(world: World, stream: bool) -> None:
    world.log.delay = 0.02
    connection = Connection(world.app(keep_alive="PT0.001S"), CHAT, stream=stream)
    connection.on_sent = lambda: connection.gone.set() if "A deque" in connection.text else None
    await connection.run()
    await world.canceller.close()
    assert world.cancelled == []


async def test_a_server_that_stops_cancels_no_request(world: World) -> None:
    """Another process answers the client that calls again."""
    world.log.answer = lambda _: None
    for stream, keep_alive in ((False, "PT5S"), (True, "PT5S"), (True, "PT0.001S")):
        connection = Connection(world.app(keep_alive=keep_alive), CHAT, stream=stream)
        async with waiting(world, connection) as task:
            await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await world.canceller.close()
    assert world.cancelled == []


async def test_a_request_goes_on_while_another_call_waits_for_it(world: World) -> None:
    world.log.answer = lambda _: None
    app = world.app(cancel_grace="PT0S")
    first, second = (Connection(app, CHAT, key="k-1") for _ in range(2))
    async with waiting(world, first) as one, waiting(world, second) as two:
        first.gone.set()
        await one
        await asyncio.sleep(0.01)
        assert world.cancelled == []
        second.gone.set()
        await two
    await world.canceller.close()
    assert is_cancelled(world) == [("acme", "k-1", "c-1")]


async def test_a_call_that_is_repeated_in_time_keeps_its_request(world: World) -> None:
    world.log.answer = lambda _: None
    app = world.app(cancel_grace="PT0.5S")
    first, second = (Connection(app, CHAT, key="k-1") for _ in range(2))
    async with waiting(world, first) as one:
        first.gone.set()
        await one
    async with waiting(world, second) as two:
        await world.canceller.close()
        world.waiting.deliver(respond(world.asked[0]))
        await two
    assert second.status == 200
    assert world.cancelled == []


@pytest.mark.parametrize("is_streamed_first", [True, False])
async def test_a_repeat_with_another_stream_that_disconnects_cancels_the_request(
    world: World, is_streamed_first: bool
) -> None:
    world.log.answer = lambda _: None
    app = world.app(cancel_grace="PT0.05S")
    first = Connection(app, CHAT, key="k-1", stream=is_streamed_first)
    second = Connection(app, CHAT, key="k-1", stream=not is_streamed_first)
    async with waiting(world, first) as one:
        first.gone.set()
        await one
    async with waiting(world, second) as two:
        await asyncio.sleep(0.1)
        second.gone.set()
        await two
    await world.canceller.close()
    assert is_cancelled(world) == [("acme", "k-1", "c-1")]


async def test_the_request_of_another_body_is_not_cancelled(world: World) -> None:
    world.app()
    request = Request(request_id="r-1", tenant="acme", question="q")
    other = Request(request_id="r-1", tenant="acme", question="another")
    world.requests.rows["acme", "r-1"] = Published(digest(other), datetime.now(UTC))
    world.canceller.abandon(request, {}, is_repeatable=False)
    await world.canceller.close()
    assert world.cancelled == []
    world.canceller.abandon(other, {}, is_repeatable=False)
    await world.canceller.close()
    assert is_cancelled(world) == [("acme", "r-1", None)]


@pytest.mark.parametrize("fault", ["error", "hang"])
async def test_a_broker_that_is_down_delays_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("septet_gateway.application.cancelling._PUBLISH_S", 0.02)
    world.log.answer = lambda _: None
    app = world.app()
    connection = Connection(app, CHAT)
    async with waiting(world, connection) as task:

        async def down(_: Any) -> None:
            if fault == "error":
                raise Transient("broker_unavailable", "down")
            await asyncio.Event().wait()

        world.log.publish = down  # type: ignore[method-assign]
        connection.gone.set()
        await asyncio.wait_for(task, 5)
    assert world.waiting.places.count == 0
    await asyncio.wait_for(world.canceller.close(), 5)
    assert world.canceller._tasks == set()


async def test_the_background_work_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("septet_gateway.application.cancelling._MOST_TASKS", 3)
    world.app()
    for number in range(5):
        request = Request(request_id=f"r-{number}", tenant="acme", question="q")
        world.requests.rows["acme", f"r-{number}"] = Published(digest(request), datetime.now(UTC))
        world.canceller.abandon(request, {}, is_repeatable=False)
    await world.canceller.close()
    assert [c.request_id for c in world.cancelled] == ["r-0", "r-1", "r-2"]


def test_a_request_is_cancelled_by_its_tenant_only(world: World) -> None:
    """Another tenant gets the answer of an unknown id."""
    world.log.answer = lambda _: None
    path = "/v1/septet/requests/r-1"
    request = Request(request_id="r-1", tenant="acme", question="q")
    with open_client(world) as client, open_client(world, KEYS["globex"]) as foreign:
        unknown = client.delete(path)
        world.requests.rows["acme", "r-1"] = Published(digest(request), datetime.now(UTC))
        refused = foreign.delete(path)
        assert (refused.status_code, refused.json()) == (unknown.status_code, unknown.json())
        assert unknown.status_code == 404
        assert unknown.json()["error"]["code"] == "request_not_found"
        assert world.cancelled == []
        accepted = client.delete(path)
    assert (accepted.status_code, accepted.json()) == (202, {"request_id": "r-1", "status": "cancelling"})
    assert is_cancelled(world) == [("acme", "r-1", None)]


@pytest.mark.parametrize("request_id", ["a%00b", "x" * 200, "%F0%9F%98%80"])
def test_an_id_that_no_request_can_have_is_unknown(client: TestClient, request_id: str) -> None:
    assert client.delete(f"/v1/septet/requests/{request_id}").status_code == 404


def test_a_key_without_the_scope_cancels_nothing(world: World) -> None:
    with open_client(world, KEYS["feedback"]) as client:
        assert client.delete("/v1/septet/requests/r-1").status_code == 403


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_whose_request_is_cancelled_gets_an_error_that_is_not_retried(
    client: TestClient, world: World, path: str, stream: bool
) -> None:
    world.log.answer = lambda r: respond(r, status="cancelled", answer=None, error=CANCELLED)
    response = client.post(path, json={**BODIES[path], "stream": stream})
    assert (response.status_code, response.json()["error"]["code"]) == (409, "cancelled")
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_a_stream_whose_request_is_cancelled_ends_with_an_error_event(world: World, path: str) -> None:
    world.log.delay = 0.1
    world.log.answer = lambda r: respond(r, status="cancelled", answer=None, error=CANCELLED)
    with open_client(world, keep_alive="PT0.02S") as client:
        response = client.post(path, json={**BODIES[path], "stream": True})
    events = [e for e in response.text.split("\n\n") if "data: {" in e]
    last = json.loads(events[-1].partition("data: ")[2])
    assert (response.status_code, last["error"]["code"]) == (200, "cancelled")


def test_the_native_api_returns_the_cancelled_response(client: TestClient, world: World) -> None:
    world.log.answer = lambda r: respond(r, status="cancelled", answer=None, error=CANCELLED)
    response = client.post(NATIVE, json=BODIES[NATIVE])
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
