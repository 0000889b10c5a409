"""The requests that the candidate of a canary answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from septet_contracts import Ask, Canary, EvaluationSample, encode
from septet_guardrails.adapters.canaries import CanaryFollower
from septet_guardrails.domain.canary import with_candidate
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.namespace import LIVE

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def canary(**fields: Any) -> Canary:
    given: dict[str, Any] = {
        "run": "r",
        "field": "model",
        "live": "default",
        "candidate": "next",
        "share": 1.0,
        "occurred_at": NOW,
        "expires_at": NOW + timedelta(seconds=45),
    }
    return Canary(**{**given, **fields})


def model(of: Canary | None, conversation: str | None = "c", now: datetime = NOW, **asked: Any) -> str:
    ask = Ask(question="q", **asked)
    return with_candidate(ask, of, "acme", conversation, "r-1", now).model


def test_requests_of_the_share_get_the_candidate() -> None:
    assert model(canary()) == "next"
    assert model(None) == "default"
    assert model(canary(share=0.0)) == "default"
    conversations = [f"c-{n}" for n in range(2000)]
    chosen = {c for c in conversations if model(canary(share=0.1), c) == "next"}
    assert len(chosen) == pytest.approx(200, abs=60)
    assert chosen <= {c for c in conversations if model(canary(share=0.2), c) == "next"}
    assert chosen != {c for c in conversations if model(canary(share=0.1, run="other"), c) == "next"}


def test_a_canary_that_nobody_renews_ends() -> None:
    assert model(canary(), now=NOW + timedelta(seconds=44)) == "next"
    assert model(canary(), now=NOW + timedelta(seconds=45)) == "default"


def test_other_requests_do_not_take_part() -> None:
    assert model(canary(), model="large") == "large"
    assert model(canary(), evaluation=EvaluationSample(run="run", case="case")) == "default"
    assert model(canary(tenants=("other",))) == "default"
    assert model(canary(tenants=("acme", "other"))) == "next"


def test_a_policy_can_be_tried() -> None:
    of = canary(field="policy", candidate="strict")
    assert with_candidate(Ask(question="q"), of, "acme", None, "r", NOW).policy == "strict"


def test_the_newest_valid_record_counts() -> None:
    follower = CanaryFollower(KafkaConnection("localhost:1"), LIVE)
    follower.receive(SimpleNamespace(value=encode(canary())))
    follower.receive(SimpleNamespace(value=b"{not json"))
    assert follower.current == canary()
    follower.receive(SimpleNamespace(value=encode(canary(share=0.0, reason="ended"))))
    assert follower.current is not None
    assert follower.current.share == 0
