"""Decoding returns an event or raises a ContractError that names the fix, for any value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_contracts import (
    MAX_BODY_BYTES,
    TOPICS,
    ContractError,
    Request,
    Topic,
    UpsertDocument,
    decode,
    encode,
    request_digest,
    topic,
)

REQUESTS = topic("requests")
CODES = {
    "oversized",
    "empty_body",
    "invalid_utf8",
    "malformed_json",
    "unknown_version",
    "wrong_contract",
    "missing_field",
    "invalid_field",
}
WIRED = [t for t in TOPICS.values() if not t.raw]


def body(**fields: Any) -> bytes:
    return json.dumps({"request_id": "r1", "question": "What is a deque?", **fields}).encode()


def rejection(of: Topic, value: bytes | None) -> ContractError:
    with pytest.raises(ContractError) as caught:
        decode(of, value)
    return caught.value


BAD: list[tuple[str, bytes | None, str, str | None, str | None]] = [
    # name, value, code, field, request id that could be read
    ("no value", None, "empty_body", None, None),
    ("empty", b"", "empty_body", None, None),
    ("not JSON", b'{"request_id": "r1", "question": ', "malformed_json", None, "r1"),
    ("not an object", b'["r1"]', "malformed_json", None, None),
    ("not UTF-8", b'{"request_id": "r1", "question": "\xff"}', "invalid_utf8", None, "r1"),
    (
        "Korean in EUC-KR",
        '{"request_id": "r1", "question": "질문"}'.encode("euc-kr"),
        "invalid_utf8",
        None,
        "r1",
    ),
    ("too deep", b'{"request_id": "r1", "a":' + b"[" * 40_000, "malformed_json", None, "r1"),
    (
        "too long a number",
        b'{"request_id": "r1", "version": ' + b"1" * 5000 + b"}",
        "malformed_json",
        None,
        "r1",
    ),
    ("foreign version", body(version=2), "unknown_version", "version", "r1"),
    ("version of a wrong type", body(version={"major": 1}), "unknown_version", "version", "r1"),
    ("foreign contract", body(contract="septet.draft"), "wrong_contract", "contract", "r1"),
    ("no id", b'{"question": "x"}', "missing_field", "request_id", None),
    ("no question", b'{"request_id": "r1"}', "invalid_field", None, "r1"),
    ("wrong type", body(question=7), "invalid_field", "question", "r1"),
    ("unknown enum value", body(retrieval={"mode": "psychic"}), "invalid_field", "retrieval.mode", "r1"),
    ("out of bounds", body(retrieval={"k": 51}), "invalid_field", "retrieval.k", "r1"),
    ("too long a question", body(question="x" * 32_769), "invalid_field", "question", "r1"),
    ("time without a zone", body(deadline="2026-01-01T00:00:00"), "invalid_field", "deadline", "r1"),
    ("bad id", body(request_id="a b"), "invalid_field", "request_id", None),
    ("id with a line break", body(request_id="r1\n"), "invalid_field", "request_id", None),
    ("bad tenant", body(tenant="../other"), "invalid_field", "tenant", "r1"),
]


@pytest.mark.parametrize(
    ("value", "code", "field", "request_id"), [b[1:] for b in BAD], ids=[b[0] for b in BAD]
)
def test_an_invalid_value_raises_its_code(
    value: bytes | None, code: str, field: str | None, request_id: str | None
) -> None:
    error = rejection(REQUESTS, value)
    assert (error.code, error.field, error.partial.request_id) == (code, field, request_id)
    assert error.fix
    assert str(error)


@pytest.mark.parametrize(("name", "given"), [("responses", 1), ("responses.v1", 2), ("requests", 2)])
def test_each_topic_accepts_only_its_own_major_version(name: str, given: int) -> None:
    of = topic(name)
    value = json.dumps({"request_id": "r1", "contract": of.contract, "version": given}).encode()
    error = rejection(of, value)
    assert error.code == "unknown_version"
    assert f"takes version {of.major}, not {given}" in str(error)


def test_a_version_in_a_nested_field_is_not_the_version_of_the_record() -> None:
    """The pattern matches the nested `"version": 1`, and the model rejects the record's own version."""
    value = body(contract="septet.request", version=7, output_schema={"version": 1})
    assert rejection(REQUESTS, value).field == "version"


def test_every_code_is_covered() -> None:
    assert {b[2] for b in BAD} | {"oversized"} == CODES


def test_ids_of_an_oversized_body_are_read() -> None:
    error = rejection(REQUESTS, body(tenant="acme", conversation_id="c1", question="x" * MAX_BODY_BYTES))
    assert error.code == "oversized"
    assert (error.partial.request_id, error.partial.tenant, error.partial.conversation_id) == (
        "r1",
        "acme",
        "c1",
    )


def test_ids_after_a_large_field_are_found() -> None:
    value = json.dumps({"question": "x" * MAX_BODY_BYTES, "request_id": "late", "tenant": "acme"}).encode()
    assert rejection(REQUESTS, value).partial.request_id == "late"


def test_body_of_exactly_the_limit_is_read() -> None:
    value = body()
    assert decode(REQUESTS, value + b" " * (MAX_BODY_BYTES - len(value))).request_id == "r1"


def test_an_unreadable_tenant_falls_back_to_the_default() -> None:
    assert rejection(REQUESTS, body(tenant="NOT VALID", question=7)).partial.tenant == "default"


def test_error_messages_are_bounded() -> None:
    error = rejection(topic("documents"), json.dumps({"document_id": "d", "action": "x" * 10_000}).encode())
    assert len(str(error)) <= 501


def test_unknown_fields_are_ignored() -> None:
    assert decode(REQUESTS, body(shiny_new_thing={"a": [1]})) == decode(REQUESTS, body())


def test_union_is_read_by_its_tag() -> None:
    event = decode(
        topic("documents"), '{"document_id": "d", "action": "upsert", "text": "한글 문서"}'.encode()
    )
    assert event == UpsertDocument(document_id="d", text="한글 문서")


def test_absent_fields_are_left_out() -> None:
    assert b"null" not in encode(Request(request_id="r1", question="x"))


def test_digest_is_of_the_bytes() -> None:
    assert request_digest(b"{}") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert request_digest(b"{ }") != request_digest(b"{}")


@given(st.sampled_from(WIRED), st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_contract_error(of: Topic, value: bytes) -> None:
    expect_contract_error(of, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
FIELDS = sorted({f for t in WIRED for f in getattr(t.model, "model_fields", ())} | {"action", "kind"})


@given(st.sampled_from(WIRED), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_any_object_is_an_event_or_a_contract_error(of: Topic, fields: dict[str, Any]) -> None:
    expect_contract_error(of, json.dumps(fields).encode())


@given(st.sampled_from(WIRED), st.data())
def test_any_mangled_request_is_an_event_or_a_contract_error(of: Topic, data: st.DataObject) -> None:
    value = bytearray(body(contract=of.contract, version=1, tenant="acme", question="질문"))
    position = data.draw(st.integers(0, len(value) - 1))
    value[position : position + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    expect_contract_error(of, bytes(value))


def expect_contract_error(of: Topic, value: bytes) -> None:
    code = None
    try:
        decode(of, value)
    except ContractError as error:
        code = error.code
    assert code is None or code in CODES


def test_the_number_of_values_is_checked_before_parsing() -> None:
    error = rejection(
        REQUESTS, b'{"request_id": "r1", "question": "x", "output_schema": {"a": [' + b"[]," * 60_000
    )
    assert (error.code, error.partial.request_id) == ("oversized", "r1")


def test_punctuation_within_texts_does_not_count_as_values() -> None:
    text = r"{[,\"]}" * 4_000
    messages = [{"role": "user", "content": text}] * 20
    assert decode(REQUESTS, body(question=None, messages=messages)).query == text


def test_validation_ends_at_the_first_invalid_item() -> None:
    error = rejection(REQUESTS, body(question=None, messages=[{"role": "user"}] * 5_000))
    assert (error.code, error.field) == ("missing_field", "messages.0.content")
    assert "more" not in str(error)


@pytest.mark.parametrize("backslashes", range(1, 8))
def test_an_escaped_nul_differs_from_the_text_u0000(backslashes: int) -> None:
    value = b'{"request_id": "r1", "question": "x' + b"\\" * backslashes + b'u0000"}'
    if backslashes % 2:
        assert rejection(REQUESTS, value).code == "invalid_field"
    else:
        assert "u0000" in decode(REQUESTS, value).query
