"""Bad input: a typed response where the id can be read, a dead letter always, and the next one goes on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from ..conftest import Backend
from .conftest import RawClient, raw_client


def _id() -> str:
    return f"bad-{uuid4().hex[:12]}"


def _body(request_id: str, **fields: Any) -> bytes:
    return json.dumps({"request_id": request_id, **fields}).encode()


PAST = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
DEEP: dict[str, Any] = {}
for _ in range(60):
    DEEP = {"properties": {"x": DEEP}}

CASES = {
    "malformed JSON": (lambda i: b'{"request_id": "%s", "question": ' % i.encode(), "malformed_json", None),
    "not an object": (lambda i: b'[{"request_id": "%s"}]' % i.encode(), "malformed_json", None),
    "unknown version": (lambda i: _body(i, question="Hi?", version=7), "unknown_version", "version"),
    "another contract": (lambda i: _body(i, question="Hi?", contract="x.y"), "wrong_contract", "contract"),
    "no question": (lambda i: _body(i), "invalid_field", None),
    "empty question": (lambda i: _body(i, question="  \n"), "empty_question", "question"),
    "question of a wrong type": (lambda i: _body(i, question=["a"]), "invalid_field", "question"),
    "oversized field": (lambda i: _body(i, question="x" * 40_000), "invalid_field", "question"),
    "oversized body": (lambda i: _body(i, question="x", pad="y" * (1024 * 1024)), "oversized", None),
    "wrong type inside": (
        lambda i: _body(i, question="Hi?", retrieval={"k": "many"}),
        "invalid_field",
        "retrieval.k",
    ),
    "k out of range": (
        lambda i: _body(i, question="Hi?", retrieval={"k": 5000}),
        "invalid_field",
        "retrieval.k",
    ),
    "deadline in the past": (
        lambda i: _body(i, question="Hi?", deadline=PAST),
        "deadline_passed",
        "deadline",
    ),
    "deadline without a zone": (
        lambda i: _body(i, question="Hi?", deadline="2030-01-01T00:00:00"),
        "invalid_field",
        "deadline",
    ),
    "nested too deeply": (
        lambda i: b'{"request_id": "%s", "question": "Hi?", "x": %s}' % (i.encode(), b"[" * 500 + b"]" * 500),
        "malformed_json",
        None,
    ),
    "invalid UTF-8": (
        lambda i: b'{"request_id": "%s", "question": "\xff\xfe"}' % i.encode(),
        "invalid_utf8",
        None,
    ),
    "unknown tenant": (lambda i: _body(i, question="Hi?", tenant="nobody"), "unknown_tenant", "tenant"),
    "tenant of a wrong form": (
        lambda i: _body(i, question="Hi?", tenant="No Body!"),
        "invalid_field",
        "tenant",
    ),
    "unknown policy": (lambda i: _body(i, question="Hi?", policy="lax"), "unknown_policy", "policy"),
    "schema that is none": (
        lambda i: _body(i, question="Hi?", output_schema={"type": "nonsense"}),
        "invalid_output_schema",
        "output_schema",
    ),
    "schema too deep": (
        lambda i: _body(i, question="Hi?", output_schema=DEEP),
        "invalid_output_schema",
        "output_schema",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_bad_requests_get_a_typed_failure_and_a_dead_letter(backend: Backend, case: str) -> None:
    make, code, field = CASES[case]
    request_id = _id()
    body = make(request_id)
    async with raw_client(backend.addresses.connection()) as client:
        await client.send(body, key=f"default:{request_id}")
        response = await client.response(request_id)
        letter = await client.dead_letter(body)
    assert response.status == "failed"
    assert response.error is not None
    assert (response.error.code, response.error.field) == (code, field)
    assert response.error.message
    assert letter["septet-dead-code"] == code.encode()
    assert letter["septet-dead-topic"] == b"septet.requests.v1"
    assert len(client.responses[request_id]) == 1


async def test_unreadable_records_are_dead_lettered_and_the_next_is_handled_at_once(backend: Backend) -> None:
    junk = [b"\x00\x01" + uuid4().bytes, b"null", b'"%s"' % uuid4().hex.encode()]
    after = _id()
    async with raw_client(backend.addresses.connection()) as client:
        for body in junk:
            await client.send(body, key="same-key")
        await client.send(_body(after, question=""), key="same-key")
        response = await client.response(after, timeout=10)
        letters = [await client.dead_letter(body) for body in junk]
    assert response.error is not None
    assert response.error.code == "empty_question"
    assert all(h["septet-dead-service"] == b"guardrails" for h in letters)


async def test_bad_documents_and_feedback_are_dead_lettered(backend: Backend) -> None:
    document = _body(_id(), action="explode", document_id="d")
    feedback = _body(_id(), kind="thumbs", value="sideways", feedback_id="f")
    async with raw_client(backend.addresses.connection()) as client:
        await client.send(document, key="default:d", name="septet.documents.v1")
        await client.send(feedback, key="default:x", name="septet.feedback.v1")
        first, second = await client.dead_letter(document), await client.dead_letter(feedback)
    assert first["septet-dead-service"] == b"retrieval"
    assert second["septet-dead-service"] == b"feedback"


async def test_the_same_id_with_another_body_is_refused_once_and_the_first_answer_stands(
    backend: Backend,
) -> None:
    conversation, request_id, marker = _id(), _id(), _id()
    first = _body(request_id, conversation_id=conversation, question="")
    second = _body(request_id, conversation_id=conversation, question="Something else?")
    async with raw_client(backend.addresses.connection()) as client:
        await client.send(first, key=f"default:{conversation}")
        await client.response(request_id)
        for _ in range(2):
            await client.send(second, key=f"default:{conversation}")
        await client.until(lambda: len(client.responses[request_id]) >= 2, 20)
        await _pass_through(client, marker, conversation)
    codes = [r.error.code for r in client.responses[request_id] if r.error]
    assert codes == ["empty_question", "conflict"]


async def test_the_same_request_again_is_not_answered_twice(backend: Backend) -> None:
    conversation, request_id, marker = _id(), _id(), _id()
    body = _body(request_id, conversation_id=conversation, question="")
    async with raw_client(backend.addresses.connection()) as client:
        for _ in range(3):
            await client.send(body, key=f"default:{conversation}")
        await client.response(request_id)
        await _pass_through(client, marker, conversation)
    assert len(client.responses[request_id]) == 1


async def _pass_through(client: RawClient, request_id: str, conversation: str) -> None:
    """Answer one more request of the conversation: its response comes behind all earlier ones."""
    body = _body(request_id, conversation_id=conversation, question="")
    await client.send(body, key=f"default:{conversation}")
    await client.response(request_id)
