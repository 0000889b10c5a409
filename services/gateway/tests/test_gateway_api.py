"""The rest of the API: models, embeddings, Septet's own contracts, repeated requests."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid5

import numpy as np
import pytest
from septet_contracts import ErrorInfo, Request, Response, Verdict, event_id
from septet_gateway.adapters.embeddings import _encoded
from septet_gateway.api import bodies
from septet_gateway.app import _api_server
from septet_gateway.domain.identity import is_answer_to, is_response_to, request_id_of
from septet_kit.errors import Transient
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, World, digest, respond
from .test_gateway_stream import scope_of

CHAT = "/v1/chat/completions"


def chat(text: str = "What is a deque?") -> dict[str, Any]:
    return {"model": "septet", "messages": [{"role": "user", "content": text}]}


def test_models_are_listed_with_or_without_a_slash(client: TestClient) -> None:
    for path in ("/v1/models", "/v1/models/"):
        listed = client.get(path).json()
        assert listed["object"] == "list"
        assert [m["id"] for m in listed["data"]] == ["septet", "gpt-4o-mini", "all-MiniLM-L6-v2"]
    assert client.get("/v1/models/septet").json()["object"] == "model"
    response = client.get("/v1/models/nothing")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")


def test_a_post_with_a_slash_is_not_redirected(client: TestClient) -> None:
    assert client.post(CHAT + "/", json=chat(), follow_redirects=False).status_code == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing", 404), ("GET", CHAT, 405)])
def test_errors_of_the_framework_have_the_envelope(
    client: TestClient, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_an_unexpected_error_does_not_show_its_text(client: TestClient, world: World) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("password of the database")

    world.requests.record = broken  # type: ignore[method-assign,assignment]
    response = client.post(CHAT, json=chat())
    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
    assert "password" not in response.text


def test_embeddings_are_passed_on(client: TestClient, world: World) -> None:
    sent = {"model": "all-MiniLM-L6-v2", "input": ["안녕"], "encoding_format": None, "user": "u"}
    answer = client.post("/v1/embeddings", json=sent).json()
    assert (answer["object"], answer["model"]) == ("list", "all-MiniLM-L6-v2")
    assert world.embeddings.bodies == [{"model": "all-MiniLM-L6-v2", "input": ["안녕"], "user": "u"}]


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"input": None}, 400, "input"),
        ({"model": None}, 400, "model"),
        ({"model": "ada"}, 404, "model"),
        ({"encoding_format": "hex"}, 400, "encoding_format"),
        ({"input": ["x"] * 2049}, 400, "input"),
    ],
)
def test_embeddings_refuse_by_name(
    client: TestClient, fields: dict[str, Any], status: int, param: str
) -> None:
    response = client.post("/v1/embeddings", json={"model": "all-MiniLM-L6-v2", "input": "x", **fields})
    assert (response.status_code, response.json()["error"]["param"]) == (status, param)


def test_vectors_have_the_wanted_encoding_whatever_the_endpoint_sends() -> None:
    packed = base64.b64encode(np.array([0.5, -0.25], dtype="<f4").tobytes()).decode()
    for sent in ([0.5, -0.25], packed):
        for wanted, expected in (("float", [0.5, -0.25]), ("base64", packed)):
            assert _encoded({"data": [{"embedding": sent}]}, wanted)["data"][0]["embedding"] == expected


def test_a_request_is_the_contract_itself(client: TestClient, world: World) -> None:
    sent = {
        "question": "덱이 뭔가요?",
        "retrieval": {"mode": "lexical"},
        "conversation_id": "c-1",
        "reference": None,
    }
    response = client.post("/v1/septet/requests", json={"request_id": "r-1", **sent})
    assert Response.model_validate(response.json()).request_id == "r-1"
    (asked,) = world.asked
    assert (asked.question, asked.tenant, asked.retrieval.mode) == ("덱이 뭔가요?", "acme", "lexical")
    assert client.get("/v1/septet/responses/r-1").json() == response.json()


def test_a_failed_response_of_the_contract_is_returned_as_it_is(client: TestClient, world: World) -> None:
    info = ErrorInfo(code="unknown_policy", message="no such policy")
    world.log.answer = lambda r: respond(r, status="failed", answer=None, error=info)
    response = client.post("/v1/septet/requests", json={"question": "q"})
    assert (response.status_code, response.json()["error"]["code"]) == (200, "unknown_policy")


@pytest.mark.parametrize("path", ["/v1/septet/requests", "/v1/septet/checks", "/v1/septet/feedback"])
def test_the_tenant_comes_from_the_key_only(world: World, path: str) -> None:
    with open_client(world, KEYS["admin"]) as client:
        sent = {"request_id": "r-1", "question": "q", "kind": "copied"}
        response = client.post(path, json={**sent, "tenant": "globex"})
        assert (response.status_code, response.json()["error"]["code"]) == (403, "tenant_mismatch")
        assert client.post(path, json={**sent, "tenant": "acme"}).status_code in (200, 202)
    assert {e.tenant for e in world.log.published} == {"acme"}


def test_a_check_runs_the_rails_alone(client: TestClient, world: World) -> None:
    verdict = Verdict(rail="pii", stage="input", decision="pass")
    world.log.answer = lambda r: respond(r, answer=None, verdicts=(verdict,))
    sent = {"question": "q", "answer": "a [1]", "passages": [{"text": "p"}], "policy": "strict"}
    response = client.post("/v1/septet/checks", json=sent)
    assert response.json()["verdicts"][0]["rail"] == "pii"
    asked = world.asked[0]
    assert asked.check is not None
    assert (asked.check.answer, asked.check.passages[0].text, asked.policy) == ("a [1]", "p", "strict")
    client.post("/v1/septet/checks", json={"question": "q"})
    assert world.asked[1].check is not None
    assert world.asked[1].check.answer is None


def test_an_invalid_request_names_its_field(client: TestClient, world: World) -> None:
    response = client.post("/v1/septet/requests", json={"question": "q", "retrieval": {"k": 0}})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "retrieval.k")
    assert world.log.published == []


def test_feedback_is_published(world: World) -> None:
    with open_client(world, KEYS["feedback"]) as client:
        sent = {"kind": "thumbs", "value": "down", "request_id": "r-1"}
        response = client.post("/v1/septet/feedback", json=sent, headers={"idempotency-key": "f-1"})
        assert (response.status_code, response.json()["feedback_id"]) == (202, "f-1")
        made = client.post("/v1/septet/feedback", json=sent).json()["feedback_id"]
        assert client.post("/v1/septet/feedback", json={"kind": "thumbs"}).status_code == 400
    assert [(e.feedback_id, e.tenant) for e in world.log.published] == [("f-1", "acme"), (made, "acme")]


def test_the_same_key_and_body_give_the_one_response(world: World) -> None:
    """Also after a restart: the second application shares only the log and the table with the first."""
    headers = {"idempotency-key": "order 7/1"}
    with open_client(world) as client:
        first = client.post(CHAT, json=chat(), headers=headers)
    assert len(world.log.published) == 1
    with open_client(world) as client:
        again = client.post(CHAT, json=chat(), headers=headers)
        streamed = client.post(CHAT, json={**chat(), "stream": True}, headers=headers)
    assert first.status_code == again.status_code == 200
    assert again.json() == first.json()
    assert first.json()["id"] in streamed.text
    assert len(world.log.published) == 1


def test_the_same_key_with_another_body_is_a_conflict(client: TestClient, world: World) -> None:
    headers = {"idempotency-key": "k-1"}
    assert client.post(CHAT, json=chat(), headers=headers).status_code == 200
    response = client.post(CHAT, json=chat("Another question"), headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")
    assert response.headers["x-should-retry"] == "false"
    assert len(world.log.published) == 1


def test_keys_of_two_tenants_do_not_meet(world: World) -> None:
    for label in ("ask", "globex"):
        with open_client(world, KEYS[label]) as client:
            response = client.post(CHAT, json=chat(label), headers={"idempotency-key": "k-1"})
            assert response.status_code == 200
    assert [(r.tenant, r.request_id) for r in world.asked] == [("acme", "k-1"), ("globex", "k-1")]
    with open_client(world, KEYS["globex"]) as client:
        assert client.get("/v1/septet/responses/k-1").json()["question"] == "globex"


def test_a_request_that_was_stored_and_not_published_is_published_again(
    client: TestClient, world: World
) -> None:
    world.log.answer = lambda _: None
    passed = {**chat(), "septet": {"deadline": "2020-01-01T00:00:00Z"}}
    with open_client(world, response_margin="PT0S") as impatient:
        assert impatient.post(CHAT, json=passed, headers={"idempotency-key": "k-1"}).status_code == 504
    world.log.answer = respond
    with open_client(world, response_margin="PT5S") as patient:
        assert patient.get("/v1/septet/responses/k-1").status_code == 202
        wait = {**chat(), "septet": {"deadline": "2020-01-01T00:00:00Z"}}
        response = patient.post(CHAT, json=wait, headers={"idempotency-key": "k-1"})
    first, second = world.asked
    assert first == second
    # The deadline has passed long ago, so there is no time left to wait.
    assert response.status_code == 504


def test_unknown_and_foreign_responses_get_the_same_answer(client: TestClient, world: World) -> None:
    def read() -> tuple[int, str, list[tuple[str, str]]]:
        response = client.get("/v1/septet/responses/r-9")
        return response.status_code, response.text, sorted(response.headers.items())

    unknown = read()
    with open_client(world, KEYS["globex"]) as other:
        assert (
            other.post("/v1/septet/requests", json={"request_id": "r-9", "question": "q"}).status_code == 200
        )
        assert other.get("/v1/septet/responses/r-9").status_code == 200
    assert read() == unknown
    assert unknown[0] == 404
    assert '"code":"request_not_found"' in unknown[1]


def test_a_text_that_is_no_request_id_is_not_found(client: TestClient, world: World) -> None:
    async def refuse(*_: Any) -> None:
        raise AssertionError("the table was asked")

    world.requests.find = refuse  # type: ignore[method-assign,assignment]
    for path in ("%00", "%ED%95%9C", "x" * 129):
        response = client.get(f"/v1/septet/responses/{path}")
        assert (response.status_code, response.json()["error"]["code"]) == (404, "request_not_found")


def test_an_idempotency_key_of_any_form_is_a_request_id() -> None:
    assert request_id_of("k-1.a:b") == "k-1.a:b"
    hashed = request_id_of("ключ with spaces")
    assert Request(request_id=hashed, question="q").request_id == hashed
    assert hashed != request_id_of("another key with spaces")


def test_the_conflict_of_another_body_is_not_the_response() -> None:
    mine, other = (Request(request_id="r-1", tenant="acme", question=q) for q in ("a", "b"))
    error = ErrorInfo(code="conflict", message="used")

    def conflict_of(request: Request) -> Response:
        identity = uuid5(event_id("acme", "r-1", "conflict", digest(request)), "v2")
        return respond(request, status="failed", answer=None, error=error, event_id=identity)

    assert is_response_to(conflict_of(mine), digest(mine))
    assert not is_response_to(conflict_of(other), digest(mine))
    assert is_response_to(respond(mine), digest(mine))


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


def test_the_answer_to_another_body_under_the_same_id_is_a_conflict(client: TestClient, world: World) -> None:
    """A Kafka client of the tenant used the id first: its answer arrives while the gateway waits."""
    world.log.answer = lambda r: respond(r, question="What did the other client ask?")
    headers = {"idempotency-key": "k-1"}
    for _ in range(2):
        response = client.post(CHAT, json=chat(), headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")
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
