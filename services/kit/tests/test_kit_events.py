"""Derived events are deterministic, and failures find their way to the client."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiokafka.structs import ConsumerRecord
from septet_contracts import (
    CacheInfo,
    Draft,
    Flow,
    Grounded,
    Missed,
    Outcome,
    Partial,
    Request,
    Revision,
    Screened,
    encode,
    request_digest,
)
from septet_kit import Emit, Permanent, advance
from septet_kit.events import failed
from septet_kit.messaging.dead_letter import dead_record
from septet_kit.observe.tracing import derived_context
from septet_kit.tenants import Tenants
from septet_kit.testing import context, flow


def test_advance_carries_state_and_is_deterministic() -> None:
    missed = flow(Missed, language="ko")
    made = [
        advance(missed, Grounded, context("missed"), stage="retrieval", retrieval={"mode": "hybrid"})
        for _ in range(2)
    ]
    assert made[0].event_id == made[1].event_id != missed.event_id
    assert made[0].causation_id == missed.event_id
    assert made[0].language == "ko"
    assert made[0].contract == "septet.grounded"
    assert [t.stage for t in made[0].timings] == ["retrieval"]


def test_sealed_values_travel_to_the_draft_and_end_there() -> None:
    event: Flow = flow(Screened, sealed="c2VhbGVk")
    steps = {
        Missed: {"cache": CacheInfo(status="bypass")},
        Grounded: {"retrieval": {"mode": "hybrid"}},
        Draft: {"answer": "x?", "model": "m", "prompt_version": "p"},
        Revision: {"rejected": "x?", "complaints": ("no",), "attempt": 2},
    }
    for step, fields in steps.items():
        event = advance(event, step, context(), stage="s", **fields)
        assert b'"sealed":"c2VhbGVk"' in encode(event)
    again = advance(event, Draft, context(), stage="s", answer="x", model="m", prompt_version="p")
    assert again.sealed == "c2VhbGVk"
    outcome = advance(again, Outcome, context(), stage="s", status="answered", origin="g")
    assert b"c2VhbGVk" not in encode(outcome)


def test_emit_key_is_the_conversation_or_the_request() -> None:
    assert Emit("screened", flow(Screened)).record_key == b"default:r-1"
    assert Emit("screened", flow(Screened, conversation_id="c-9")).record_key == b"default:c-9"


def test_failure_of_a_flow_event_keeps_its_identity() -> None:
    missed = flow(Missed)
    outcome = failed(missed, context("missed"), Permanent("boom", "no", field="f", fix="do"), "cache")
    assert outcome is not None
    assert (outcome.status, outcome.origin) == ("failed", "cache")
    assert outcome.request_digest == missed.request_digest
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.field, outcome.error.fix) == ("boom", "f", "do")


def test_failure_of_a_malformed_request_needs_its_id() -> None:
    error = Permanent("malformed_json", "no")
    ctx = context("requests", value=b"{")
    assert failed(Partial(), ctx, error, "guardrails") is None
    outcome = failed(Partial("r-7", "acme", None), ctx, error, "guardrails")
    assert isinstance(outcome, Outcome)
    assert (outcome.request_id, outcome.tenant) == ("r-7", "acme")
    assert outcome.request_digest == request_digest(b"{")


def test_failure_of_a_valid_request_has_its_deadline_and_wish() -> None:
    ctx = context("requests")
    request = Request(request_id="r-1", question="Hi?", deadline=ctx.timestamp + timedelta(seconds=5))
    outcome = failed(request, ctx, Permanent("unknown_tenant", "no"), "guardrails")
    assert outcome is not None
    assert outcome.deadline == request.deadline
    assert outcome.ask.query == "Hi?"


def test_dead_letter_keeps_the_record_untouched() -> None:
    record = ConsumerRecord(
        topic="septet.requests.v1",
        partition=1,
        offset=7,
        timestamp=123,
        timestamp_type=0,
        key=b"k",
        value=b"\xff{",
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=2,
        headers=(("x", b"1"), ("septet-redrives", b"2")),
    )
    dead = dead_record(
        "septet.guardrails.dead.v1", record, Permanent("invalid_utf8", "byte 0"), "guardrails", attempts=1
    )
    headers = dict(dead.headers)
    assert (dead.topic, dead.key, dead.value) == ("septet.guardrails.dead.v1", b"k", b"\xff{")
    assert headers["x"] == b"1"
    assert headers["septet-dead-code"] == b"invalid_utf8"
    assert headers["septet-dead-offset"] == b"7"
    assert headers["septet-dead-redrives"] == b"2"


def test_trace_ids_follow_from_tenant_and_request() -> None:
    assert derived_context("a", "r") == derived_context("a", "r")
    assert derived_context("a", "r").trace_id != derived_context("b", "r").trace_id
    assert derived_context("a", "r").is_valid


def test_unknown_tenants_are_refused() -> None:
    tenants = Tenants.load()
    tenants.require("default")
    with pytest.raises(Permanent, match="nobody") as caught:
        tenants.require("nobody")
    assert (caught.value.code, caught.value.field) == ("unknown_tenant", "tenant")
