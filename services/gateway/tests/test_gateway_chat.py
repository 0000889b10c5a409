"""``POST /v1/chat/completions``: bodies, completions, errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from septet_contracts import CacheInfo, ErrorInfo, Source, Usage
from starlette.testclient import TestClient

from .conftest import open_client
from .support import World, respond

PATH = "/v1/chat/completions"
QUESTION = [{"role": "user", "content": "What is a deque?"}]


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "septet", "messages": QUESTION, **fields}


def error_of(response: Any) -> dict[str, Any]:
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return dict(error)


def test_an_answer_is_a_completion_of_openai(client: TestClient, world: World) -> None:
    source = Source(number=1, passage_id="p", document_id="d", passage="A deque is a queue.", cited=True)
    world.log.answer = lambda r: respond(
        r,
        sources=(source,),
        cache=CacheInfo(status="miss"),
        degraded=("dense_search",),
        usage=Usage(prompt_tokens=30, completion_tokens=7),
    )
    response = client.post(PATH, json=body())
    assert response.status_code == 200
    completion = ChatCompletion.model_validate(response.json(), strict=True)
    (choice,) = completion.choices
    assert (choice.message.content, choice.finish_reason) == ("A deque is a queue [1].", "stop")
    assert "refusal" in response.json()["choices"][0]["message"]
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.total_tokens) == (30, 37)
    assert (completion.model, completion.object) == ("septet", "chat.completion")
    (asked,) = world.asked
    assert completion.id == f"chatcmpl-{asked.request_id}"
    assert response.headers["x-request-id"] == asked.request_id
    shown = response.json()["choices"][0]["message"]["septet"]
    assert shown["sources"][0]["document_id"] == "d"
    assert (shown["status"], shown["cache"]["status"], shown["degraded"]) == (
        "answered",
        "miss",
        ["dense_search"],
    )
    assert shown["trace_id"] == "0" * 31 + "1"


def test_the_request_is_that_of_the_key_and_the_alias(client: TestClient, world: World) -> None:
    options = {
        "conversation_id": "c-1",
        "cache": {"use": "bypass"},
        "policy": "strict",
        "retrieval": {"k": 3},
    }
    assert client.post(PATH, json=body(model="gpt-4o-mini", septet=options)).status_code == 200
    (asked,) = world.asked
    assert (asked.tenant, asked.model, asked.conversation_id) == ("acme", "fast", "c-1")
    assert (asked.cache.use, asked.policy, asked.retrieval.k) == ("bypass", "strict", 3)


def test_messages_of_all_forms_become_a_conversation(client: TestClient, world: World) -> None:
    messages = [
        {"role": "developer", "content": "Answer briefly."},
        {"role": "user", "content": [{"type": "text", "text": "안녕"}, {"type": "text", "text": "hello"}]},
        {"role": "assistant", "content": None, "tool_calls": None},
        {"role": "user", "content": "What is a deque?", "name": None},
    ]
    assert client.post(PATH, json=body(messages=messages)).status_code == 200
    (asked,) = world.asked
    assert [(m.role, m.content) for m in asked.messages or ()] == [
        ("system", "Answer briefly."),
        ("user", "안녕\nhello"),
        ("assistant", ""),
        ("user", "What is a deque?"),
    ]


def test_without_a_user_message_the_last_instruction_is_the_question(
    client: TestClient, world: World
) -> None:
    assert client.post(PATH, json=body(messages=[{"role": "developer", "content": "Hi"}])).status_code == 200
    assert world.asked[0].query == "Hi"


def test_nulls_and_unknown_fields_are_ignored(client: TestClient) -> None:
    extra = dict.fromkeys(("n", "stop", "stream", "stream_options", "response_format", "tools", "septet"))
    given = body(
        **extra, temperature=0.2, seed=7, user="u", x_new=[1], max_completion_tokens=50, tool_choice="none"
    )
    assert client.post(PATH, json=given).status_code == 200


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"model": None}, "model"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": {"text": "x"}}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": "x" * 32_769}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"septet": {"polcy": "strict"}}, "septet.polcy"),
        ({"septet": {"evaluation": {"run": "r", "case": "c"}}}, "septet.evaluation"),
        ({"septet": {"retrieval": {"k": 0}}}, "septet.retrieval.k"),
    ],
)
def test_what_is_not_available_is_refused_by_name(
    client: TestClient, world: World, fields: dict[str, Any], param: str
) -> None:
    response = client.post(PATH, json=body(**fields))
    error = error_of(response)
    assert (response.status_code, error["param"], error["type"]) == (400, param, "invalid_request_error")
    assert param.split("[", maxsplit=1)[0].split(".", maxsplit=1)[0] in error["message"]
    assert world.asked == []


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(client: TestClient, sent: bytes) -> None:
    response = client.post(PATH, content=sent)
    assert (response.status_code, error_of(response)["code"]) == (400, "malformed_json")


def test_a_null_character_is_refused(client: TestClient) -> None:
    response = client.post(PATH, json=body(messages=[{"role": "user", "content": "a\0b"}]))
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_field")


def test_a_schema_that_is_nested_too_deeply_is_refused(client: TestClient, world: World) -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(300):
        schema = {"type": "object", "properties": {"a": schema}}
    wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
    response = client.post(PATH, json=body(response_format=wanted))
    assert (response.status_code, error_of(response)["code"]) == (400, "malformed_json")
    assert world.asked == []


@pytest.mark.parametrize("path", [PATH, "/v1/septet/requests"])
def test_half_a_character_is_refused(client: TestClient, world: World, path: str) -> None:
    sent = b'{"model": "septet", "question": "\\ud83d", "messages": [{"role": "user", "content": "\\ud83d"}]}'
    response = client.post(path, content=sent)
    assert response.status_code == 400
    assert world.asked == []


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_above_one_mebibyte_is_refused(client: TestClient, declared: bool) -> None:
    sent = json.dumps(body(padding="x" * 1024 * 1024)).encode()
    response = client.post(PATH, content=sent if declared else iter([sent[:1000], sent[1000:]]))
    assert (response.status_code, error_of(response)["code"]) == (413, "oversized")


def test_an_unknown_model_is_refused_with_the_known_ones(client: TestClient) -> None:
    response = client.post(PATH, json=body(model="gpt-9"))
    error = error_of(response)
    assert (response.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert "gpt-4o-mini" in error["message"]


def test_a_schema_becomes_the_output_schema(client: TestClient, world: World) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": schema}}
    world.log.answer = lambda r: respond(r, answer='{"n": 3}', answer_json={"n": 3})
    response = client.post(PATH, json=body(response_format=wanted))
    assert world.asked[0].output_schema == schema
    assert json.loads(response.json()["choices"][0]["message"]["content"]) == {"n": 3}
    client.post(PATH, json=body(response_format={"type": "json_object"}))
    assert world.asked[1].output_schema == {"type": "object"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("answered", "stop"),
        ("abstained", "stop"),
        ("blocked", "content_filter"),
        ("refused", "content_filter"),
    ],
)
def test_each_status_with_a_text_has_its_finish_reason(
    client: TestClient, world: World, status: str, reason: str
) -> None:
    world.log.answer = lambda r: respond(r, status=status, answer="text")
    (choice,) = client.post(PATH, json=body()).json()["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == (reason, "text")
    assert choice["message"]["septet"]["status"] == status


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("empty_question", 400),
        ("unknown_policy", 400),
        ("unknown_tenant", 403),
        ("unknown_model", 404),
        ("model_busy", 503),
        ("model_error", 502),
        ("store_unavailable", 503),
        ("internal_error", 500),
        ("a_new_code", 500),
    ],
)
def test_a_failed_response_is_an_http_error(client: TestClient, world: World, code: str, status: int) -> None:
    info = ErrorInfo(code=code, message="it failed", fix="try again", field="policy")
    world.log.answer = lambda r: respond(r, status="failed", answer=None, error=info)
    for stream in (False, True):
        response = client.post(PATH, json=body(stream=stream))
        error = error_of(response)
        assert (response.status_code, error["param"]) == (status, "policy")
        assert "it failed; try again" in error["message"]
        assert ("retry-after" in response.headers) == (status == 503)


def test_an_expired_and_an_unknown_status_are_http_errors(client: TestClient, world: World) -> None:
    for status, expected in (("expired", 504), ("deferred", 500)):
        world.log.answer = lambda r, status=status: respond(r, status=status, answer=None)
        assert client.post(PATH, json=body()).status_code == expected


def test_a_stop_sequence_ends_the_answer(client: TestClient) -> None:
    for stop in (" queue", [" queue", "["], ["", " queue"]):
        (choice,) = client.post(PATH, json=body(stop=stop)).json()["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("A deque is a", "stop")


def test_without_a_response_the_call_times_out(world: World) -> None:
    world.log.answer = lambda _: None
    passed = {"deadline": "2020-01-01T00:00:00Z"}
    with open_client(world, response_margin="PT0S") as client:
        response = client.post(PATH, json=body(septet=passed))
    assert (response.status_code, error_of(response)["type"]) == (504, "timeout_error")
    assert world.asked[0].request_id in response.json()["error"]["message"]
    assert not world.waiting.is_expected("acme", world.asked[0].request_id)


def test_too_many_waiting_requests_are_refused(world: World) -> None:
    with open_client(world, max_waiting=1) as client, world.full():
        response = client.post(PATH, json=body())
    assert (response.status_code, error_of(response)["type"]) == (429, "rate_limit_error")
    assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("1", "1000")
    assert world.asked == []
