"""The rest of the API: models, embeddings, Septet's own contracts, repeated requests."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid5

import numpy as np
import pytest
from septet_contracts import ErrorInfo, Request, Response, Verdict, event_id
from septet_gateway.adapters.embeddings import _encoded
from septet_gateway.domain.identity import is_response_to, request_id_of
from starlette.testclient import TestClient

from .conftest import open_client
from .support import KEYS, World, digest, respond

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
        ({"input": {"text": "x"}}, 400, "input"),
        ({"input": [1, "x"]}, 400, "input"),
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


@pytest.mark.parametrize(
    "other", [chat("Another question"), {**chat(), "septet": {"cache": {"use": "bypass"}}}]
)
def test_the_same_key_with_another_body_is_a_conflict(
    client: TestClient, world: World, other: dict[str, Any]
) -> None:
    headers = {"idempotency-key": "k-1"}
    assert client.post(CHAT, json=chat(), headers=headers).status_code == 200
    response = client.post(CHAT, json=other, headers=headers)
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
    assert is_response_to(respond(mine, request_digest=digest(mine)), digest(mine))
    assert not is_response_to(respond(mine, request_digest=digest(other)), digest(mine))
