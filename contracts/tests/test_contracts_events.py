"""Ids and keys of events, required fields of requests, and the table of topics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import septet_contracts
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from septet_contracts import (
    SERVICES,
    TOPICS,
    Ask,
    Message,
    Outcome,
    Request,
    Topic,
    Usage,
    dead_letter_topic,
    event_id,
    record_key,
    short_name,
    topic,
)
from septet_contracts.schema import topic_schema

NAMES = st.text(alphabet="abc-019", min_size=1, max_size=12)
WIRED = [t for t in TOPICS.values() if not t.raw]


def test_public_names() -> None:
    missing = [n for n in septet_contracts.__all__ if not hasattr(septet_contracts, n)]
    assert missing == []
    assert len(set(septet_contracts.__all__)) == len(septet_contracts.__all__)
    public = {n for n, v in vars(septet_contracts).items() if isinstance(v, type) and not n.startswith("_")}
    assert public <= set(septet_contracts.__all__)


def test_event_id_is_stable_across_releases() -> None:
    """If the id changed between versions of the code, a redelivered message would count as a new one."""
    assert event_id("default", "r1", "screened") == UUID("d7aad404-5d39-54ba-ae83-af56d44ca395")


@given(NAMES, NAMES, NAMES, NAMES)
def test_event_id_is_deterministic(tenant: str, request: str, step: str, item: str) -> None:
    assert event_id(tenant, request, step, item) == event_id(tenant, request, step, item)
    assert event_id(tenant, request, step, item).version == 5


@given(st.tuples(NAMES, NAMES, NAMES, NAMES), st.tuples(NAMES, NAMES, NAMES, NAMES))
def test_event_ids_differ_if_any_part_differs(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (event_id(*one) == event_id(*other)) == (one == other)


def test_parts_of_an_event_id_are_separated() -> None:
    assert event_id("a", "bc", "step") != event_id("ab", "c", "step")


def test_record_key() -> None:
    assert record_key("acme", "r1", None) == b"acme:r1"
    assert record_key("acme", "r1", "c9") == b"acme:c9"


def test_question_or_messages_are_required() -> None:
    with pytest.raises(ValidationError, match="give `question`"):
        Ask()
    with pytest.raises(ValidationError, match="at least one user message"):
        Ask(messages=(Message(role="system", content="Be brief."),))


def test_question_comes_from_the_last_user_message() -> None:
    said = [("system", "Be brief."), ("user", "안녕?"), ("assistant", "네."), ("user", "덱은 무엇인가요?")]
    ask = Ask.model_validate({"messages": [{"role": r, "content": c} for r, c in said]})
    assert ask.query == "덱은 무엇인가요?"
    assert [m.content for m in ask.history] == ["Be brief.", "안녕?", "네."]


def test_an_explicit_question_follows_all_messages() -> None:
    ask = Ask(question="And then?", messages=(Message(role="user", content="First."),))
    assert ask.query == "And then?"
    assert len(ask.history) == 1


def test_a_request_needs_only_an_id_and_a_question() -> None:
    request = Request.model_validate({"request_id": "r1", "question": "What is a deque?"})
    assert (request.tenant, request.policy, request.model) == ("default", "default", "default")
    assert (request.retrieval.mode, request.retrieval.k, request.cache.use) == ("hybrid", 5, "default")


def test_events_are_immutable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Request(request_id="r1", question="x").question = "y"  # type: ignore[misc]


def test_usage_adds_up() -> None:
    one = Usage(prompt_tokens=1, completion_tokens=2, model_calls=1, cost_usd=0.5)
    assert one + one == Usage(prompt_tokens=2, completion_tokens=4, model_calls=2, cost_usd=1.0)


def test_topic_table() -> None:
    assert list(TOPICS) == [t.name for t in TOPICS.values()]
    assert all(t.name == f"septet.{t.short}.v{t.major}" for t in TOPICS.values())
    assert {t.name for t in TOPICS.values() if t.raw} == {dead_letter_topic(s) for s in SERVICES}
    assert [t.name for t in TOPICS.values() if t.compacted] == ["septet.models.v1", "septet.canaries.v1"]
    assert len({(t.contract, t.major) for t in WIRED}) == len(WIRED)


@pytest.mark.parametrize("of", WIRED, ids=[t.name for t in WIRED])
def test_contract_name_is_in_the_model(of: Topic) -> None:
    """The table and the model agree on the name and the major version of each contract."""
    schema = topic_schema(of)
    members = [schema["$defs"][m["$ref"].rsplit("/", 1)[-1]] for m in schema.get("oneOf", ())] or [schema]
    assert {m["properties"]["contract"]["const"] for m in members} == {of.contract}
    assert {m["properties"]["version"]["const"] for m in members} == {of.major}


def test_topic_configuration() -> None:
    assert topic("requests").config["retention.ms"] == "604800000"
    assert topic("models").config["cleanup.policy"] == "compact"
    assert int(topic("requests").config["max.message.bytes"]) > septet_contracts.MAX_BODY_BYTES


def test_topics_are_found_by_short_and_full_name() -> None:
    assert topic("requests") is topic("requests.v1") is topic("septet.requests.v1")
    assert topic("responses") is topic("septet.responses.v2")
    assert topic("responses.v1") is topic("septet.responses.v1")
    assert [t for t in TOPICS.values() if topic(short_name(t)) is not t] == []
    with pytest.raises(KeyError, match=r"unknown topic 'nope'; known: septet\.requests\.v1"):
        topic("nope")


def test_the_major_version_is_part_of_a_topic_name() -> None:
    own = Topic("septet.responses.v12.acme", "", None, "")
    assert (own.short, own.major) == ("responses", 12)
    with pytest.raises(ValueError, match="is not septet"):
        _ = Topic("septet.responses", "", None, "").major


def test_an_outcome_accepts_an_unknown_status() -> None:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "request_id": "r1",
        "event_id": event_id("default", "r1", "outcome"),
        "occurred_at": now,
        "deadline": now,
        "accepted_at": now,
        "request_digest": "",
        "ask": Ask(question="x"),
        "origin": "cache",
    }
    assert Outcome(**fields, status="maybe").status == "maybe"
    with pytest.raises(ValidationError, match="status"):
        Outcome(**fields, status="")
