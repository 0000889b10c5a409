"""``Prefer: respond-async`` on ``POST /v1/septet/requests``."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from septet_contracts import ErrorInfo, Request
from septet_gateway.api.routes import create_app
from septet_kit.errors import Transient
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, World, respond
from .test_gateway_quotas import until_reported

NATIVE, LATER = "/v1/septet/requests", "/v1/septet/responses/"
PREFER = {"prefer": "respond-async"}
BODY = {"question": "q", "request_id": "r-1"}
PENDING = {"request_id": "r-1", "status": "pending"}


def submit(client: TestClient, body: dict[str, Any] = BODY, **headers: str) -> httpx.Response:
    return client.post(NATIVE, json=body, headers=PREFER | headers)


def test_the_answer_comes_before_the_response(client: TestClient, world: World) -> None:
    world.log.answer = lambda _: None
    answer = submit(client)
    assert (answer.status_code, answer.json()) == (202, PENDING)
    assert answer.headers["location"] == "/v1/septet/responses/r-1"
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.headers["x-request-id"] == "r-1"
    assert int(answer.headers["retry-after"]) > 0
    assert [r.request_id for r in world.asked] == ["r-1"]
    assert world.waiting.places.count == 0
    later = client.get(answer.headers["location"])
    assert (later.status_code, later.json()) == (202, PENDING)
    world.log.responses.append(respond(world.asked[0]))
    later = client.get(answer.headers["location"])
    assert (later.status_code, later.json()["answer"]) == (200, "A deque is a queue [1].")


def test_the_idempotency_key_becomes_the_id(client: TestClient, world: World) -> None:
    answer = submit(client, {"question": "q"}, **{"idempotency-key": "order 7"})
    assert answer.headers["location"] == LATER + world.asked[0].request_id
    assert world.asked[0].request_id.startswith("key-")


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("respond-async", 202),
        ("wait=10, Respond-Async", 202),
        ("respond-async; foo=1", 202),
        ("wait=10", 200),
        ("respond-asynchronously", 200),
        ("", 200),
    ],
)
def test_the_header_may_have_other_preferences(client: TestClient, value: str, status: int) -> None:
    assert client.post(NATIVE, json=BODY, headers={"prefer": value}).status_code == status


def test_several_headers_are_one(client: TestClient) -> None:
    headers = [("prefer", "wait=10"), ("prefer", "respond-async")]
    assert client.post(NATIVE, json=BODY, headers=headers).status_code == 202


def test_a_check_waits_for_its_response(client: TestClient) -> None:
    assert client.post("/v1/septet/checks", json={"question": "q"}, headers=PREFER).status_code == 200


def test_a_repeat_has_the_same_answer_and_publishes_the_same_bytes(client: TestClient, world: World) -> None:
    """A request that has its response is not published again."""
    world.log.answer = lambda _: None
    assert [submit(client).status_code for _ in range(2)] == [202, 202]
    assert submit(client, {**BODY, "stream": True}).status_code == 202
    assert world.asked == [world.asked[0]] * 3
    world.log.responses.append(respond(world.asked[0]))
    assert submit(client).status_code == 202
    assert len(world.asked) == 3
    assert client.post(NATIVE, json=BODY).status_code == 200


def test_another_body_is_a_conflict(client: TestClient, world: World) -> None:
    assert submit(client).status_code == 202
    other = submit(client, {**BODY, "question": "another"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert "location" not in other.headers
    assert len(world.asked) == 1


def test_a_request_that_is_not_on_the_log_is_an_error(client: TestClient, world: World) -> None:
    async def down(_: Any) -> None:
        raise Transient("broker_unavailable", "down")

    world.log.publish = down  # type: ignore[method-assign,assignment]
    assert submit(client).status_code == 503


def test_limits_hold(world: World) -> None:
    with open_client(world, key_requests_per_minute=1, max_backlog=5) as client:
        assert submit(client).status_code == 202
        refused = submit(client)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    with open_client(world, max_backlog=5) as client:
        world.pressure.note(6)
        assert submit(client, {"question": "q"}).json()["error"]["code"] == "overloaded"
    with open_client(world, KEYS["feedback"]) as client:
        assert submit(client).status_code == 403


@pytest.mark.parametrize("times", [1, 2])
async def test_the_tokens_are_counted_once_when_the_response_arrives(world: World, times: int) -> None:
    world.log.answer = lambda _: None
    parts = world.parts(key_tokens_per_minute=1_000_000)
    transport = httpx.ASGITransport(create_app(parts))
    headers = {"authorization": f"Bearer {KEYS['ask']}", **PREFER}
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers=headers) as client:
        for _ in range(times):
            assert (await client.post(NATIVE, json=BODY)).status_code == 202
    await until_reported(parts.quotas)
    assert parts.quotas._keys == {}
    world.waiting.deliver(respond(world.asked[0], usage={"prompt_tokens": 900, "completion_tokens": 100}))
    world.waiting.deliver(respond(world.asked[0], usage={"prompt_tokens": 900, "completion_tokens": 100}))
    await until_reported(parts.quotas)
    table: Any = parts.quotas._table
    assert [report.tokens for report in table.reports if report.tokens] == [1000]


async def test_the_tokens_of_a_response_before_the_acknowledgement_are_counted(world: World) -> None:
    charged: list[int] = []
    parts = world.parts()
    publish = world.log.publish

    async def acknowledge_late(event: Any) -> None:
        await publish(event)
        await asyncio.sleep(0.01)

    world.log.publish = acknowledge_late  # type: ignore[method-assign]
    world.log.answer = lambda r: respond(r, usage={"prompt_tokens": 7})
    request = Request(request_id="r-1", tenant="acme", question="q")
    await parts.asker.submit(request, lambda tokens, request_id=None: charged.append(tokens))
    assert charged == [7]


def test_a_failure_is_read_at_the_url(client: TestClient, world: World) -> None:
    info = ErrorInfo(code="model_busy", message="busy")
    world.log.answer = lambda r: respond(r, status="failed", answer=None, error=info)
    assert submit(client).status_code == 202
    assert client.get(LATER + "r-1").json()["status"] == "failed"


def test_a_page_may_read_the_url(world: World) -> None:
    with open_client(world, cors_origins=("https://app.example",)) as client:
        exposed = submit(client, origin="https://app.example").headers["access-control-expose-headers"]
    assert {"location", "preference-applied"} <= set(exposed.split(", "))
