"""Ids of requests: repeats, final errors and other bodies under the same id."""

from __future__ import annotations

from typing import Any

import pytest
from septet_contracts import ErrorInfo, Request, Response
from septet_gateway.domain.identity import is_answer_to, request_id_of
from septet_kit.errors import Transient
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, World, digest, respond
from .test_gateway_api import CHAT, chat


@pytest.mark.parametrize("path", [CHAT, "/v1/responses"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_failed_request_is_not_retried_under_its_key(world: World, path: str, *, stream: bool) -> None:
    """The released response is final: only a new key asks again."""
    info = ErrorInfo(code="model_busy", message="busy")
    world.log.answer = lambda r: respond(r, status="failed", answer=None, error=info)
    sent = {"model": "septet", "stream": stream}
    sent |= {"input": "q"} if path == "/v1/responses" else {"messages": chat()["messages"]}
    with open_client(world) as client:
        for _ in range(2):
            keyed = client.post(path, json=sent, headers={"idempotency-key": "k-1"})
            assert (keyed.status_code, keyed.headers["x-should-retry"]) == (503, "false")
            assert "retry-after" not in keyed.headers
            assert "retry-after-ms" not in keyed.headers
        plain = client.post(path, json=sent)
    assert (plain.status_code, plain.headers["retry-after"]) == (503, "1")
    assert len(world.asked) == 2


def test_a_request_that_was_not_published_may_be_retried_under_its_key(
    client: TestClient, world: World
) -> None:
    publish = world.log.publish

    async def down(_: Any) -> None:
        raise Transient("broker_unavailable", "down")

    headers = {"idempotency-key": "k-1"}
    world.log.publish = down  # type: ignore[method-assign,assignment]
    failed = client.post(CHAT, json=chat(), headers=headers)
    assert (failed.status_code, failed.headers["retry-after"]) == (503, "1")
    world.log.publish = publish  # type: ignore[method-assign]
    assert client.post(CHAT, json=chat(), headers=headers).status_code == 200


@pytest.mark.parametrize("streamed_first", [False, True])
def test_a_repeat_with_another_stream_publishes_the_same_bytes(
    client: TestClient, world: World, *, streamed_first: bool
) -> None:
    publish, sent = world.log.publish, []

    async def down(event: Any) -> None:
        sent.append(event)
        raise Transient("broker_unavailable", "down")

    headers = {"idempotency-key": "k-1"}
    world.log.publish = down  # type: ignore[method-assign]
    client.post(CHAT, json=chat() | {"stream": streamed_first}, headers=headers)
    world.log.publish = publish  # type: ignore[method-assign]
    repeat = client.post(CHAT, json=chat() | {"stream": not streamed_first}, headers=headers)
    assert repeat.status_code == 200
    assert repeat.headers["content-type"].startswith("application/json") == streamed_first
    assert world.asked == sent
    other = client.post(CHAT, json=chat() | {"messages": [{"role": "user", "content": "x"}]}, headers=headers)
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("path", "name", "sent"),
    [
        ("/v1/septet/requests", "request_id", {"question": "q"}),
        ("/v1/septet/checks", "request_id", {"question": "q"}),
        ("/v1/septet/feedback", "feedback_id", {"kind": "copied", "request_id": "r-1"}),
    ],
)
def test_an_id_in_the_body_and_in_the_header_is_the_same(
    world: World, path: str, name: str, sent: dict[str, Any]
) -> None:
    with open_client(world, KEYS["admin"]) as client:
        sent = {**sent, name: "k-1"}
        differ = client.post(path, json=sent, headers={"idempotency-key": "k-2"})
        assert (differ.status_code, differ.json()["error"]["param"]) == (400, name)
        assert client.post(path, json=sent, headers={"idempotency-key": "k-1"}).status_code in (200, 202)
        sent.pop(name)
        if name == "request_id":
            sent["question"] = "another"
        assert client.post(path, json=sent, headers={"idempotency-key": "order 7/1"}).status_code in (
            200,
            202,
        )
        too_long = client.post(path, json=sent, headers={"idempotency-key": "x" * 256})
        assert too_long.status_code == 400
    assert [getattr(e, name) for e in world.log.published] == ["k-1", request_id_of("order 7/1")]


def test_the_answer_to_another_body_under_the_same_id_is_a_conflict(client: TestClient, world: World) -> None:
    """A Kafka client of the tenant used the id first: its answer arrives while the gateway waits."""
    world.log.answer = lambda r: respond(r, question="What did the other client ask?")
    headers = {"idempotency-key": "k-1"}
    for _ in range(2):
        response = client.post(CHAT, json=chat(), headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")
    assert len(world.asked) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_the_answer_to_the_same_question_with_other_options_is_a_conflict(
    client: TestClient, world: World, *, streamed: bool
) -> None:
    """A Kafka client of the tenant used the id first: the answer to its body is on the log before the conflict."""

    def eval_(request: Request) -> Response:
        other = request.model_copy(update={"policy": "strict"})
        answer = respond(other, request_digest=digest(other), usage={"prompt_tokens": 9})
        world.log.responses.append(answer)
        world.waiting.deliver(answer)
        error = ErrorInfo(code="conflict", message="this request_id was already used with another body")
        return respond(request, status="failed", answer=None, error=error, request_digest=digest(request))

    world.log.answer = eval_
    for _ in range(2):
        response = client.post(CHAT, json=chat() | {"stream": streamed}, headers={"idempotency-key": "k-1"})
        assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")
    assert len(world.asked) == 1


def test_a_repeat_finds_the_response_by_its_digest(client: TestClient, world: World) -> None:
    world.log.answer = lambda r: respond(r, request_digest=digest(r))
    for streamed in (False, True, False):
        response = client.post(CHAT, json=chat() | {"stream": streamed}, headers={"idempotency-key": "k-1"})
        assert response.status_code == 200
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("asked", "shown", "expected"),
    [
        ("q", "q", True),
        ("q", "p", False),
        ("Mail kim@x.kr or lee@x.kr now", "Mail <EMAIL_1> or <EMAIL_2> now", True),
        ("kim@x.kr", "<EMAIL_1>", True),
        ("제 번호는 010-1234-5678입니다", "제 번호는 <PHONE_1>입니다", True),
        ("Mail kim@x.kr now", "Call <PHONE_1> now", False),
        ("Mail kim@x.kr or later", "Mail <EMAIL_1> and <EMAIL_2> later", False),
        ("What is <EMAIL_1>?", "What is <EMAIL_1>?", True),
        ("ab", "ab<EMAIL_1>ab", False),
    ],
)
def test_a_masked_question_is_that_of_its_request(asked: str, shown: str, *, expected: bool) -> None:
    request = Request(request_id="r-1", tenant="acme", question=asked)
    assert is_answer_to(respond(request, question=shown), request) is expected
    assert is_answer_to(respond(request, question=shown, status="blocked"), request)
