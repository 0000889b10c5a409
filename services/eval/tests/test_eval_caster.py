"""The cast of a response to version 1."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from septet_contracts import (
    Ask,
    CacheInfo,
    CacheOptions,
    Embedding,
    Outcome,
    Score,
    StageTiming,
    Verdict,
    decode,
    encode,
    topic,
)
from septet_eval.application.publication import events_of
from septet_eval.domain.admission import Floors
from septet_eval.domain.caster import to_v1
from septet_eval.domain.response import (
    Pending,
    Publication,
    ReleaseContext,
    cancelled,
    conflict,
    expired,
    respond,
)
from septet_eval.settings import EvalSettings
from septet_kit.testing import flow, passage

SCHEMA = Path(__file__).parents[3] / "contracts" / "schemas" / "responses" / "v1.1.json"
TEXT = "A deque is a double-ended queue. It has a maximum length."
GOOD = (Score(name="groundedness", value=0.9), Score(name="answer_relevance", value=0.8))
INTERNAL = ("admissible", "admission_reason", "cache_key", "request_digest")


def publication(**fields: Any) -> Publication:
    given = flow(
        Outcome,
        **{
            "answer_kind": "generated",
            "passages": (passage(TEXT, start=10),),
            "cache": CacheInfo(status="miss", entry_id="s"),
            "verdicts": (Verdict(rail="pii", stage="input", decision="pass"),),
            "question_vector": Embedding.of("m", (0.6, 0.8)),
            "ask": Ask(question="덱은?", cache=CacheOptions(key="k")),
        }
        | fields,
    )
    at = given.accepted_at + timedelta(seconds=1)
    return respond(given, GOOD, (), Floors({"groundedness": 0.5}), context(at))


def context(at: Any) -> ReleaseContext:
    return ReleaseContext(at=at, timing=StageTiming(stage="eval", queue_ms=1, work_ms=2), trace_id="ab" * 16)


def v1(made: Publication) -> dict[str, Any]:
    """The response as a client of version 1 reads it, validated against the frozen schema of that version."""
    value = encode(to_v1(made))
    body: dict[str, Any] = json.loads(value)
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(body)
    assert decode(topic("responses.v1"), value) == to_v1(made)
    return body


def test_version_1_has_all_of_its_fields() -> None:
    made = publication()
    body, newest = v1(made), json.loads(encode(made.response))
    assert body["version"] == 1
    assert {n: body[n] for n in INTERNAL} == {
        "admissible": True,
        "admission_reason": made.release.admission_reason,
        "cache_key": "k",
        "request_digest": made.release.request_digest,
    }
    assert body["question_embedding"] == {"model": "m", "vector": [0.60000002, 0.80000001]}
    own = {"version", "event_id", "sources", "question_embedding", *INTERNAL}
    assert {n: v for n, v in body.items() if n not in own} == {
        n: v for n, v in newest.items() if n not in own
    }
    assert set(body["sources"][0]) == set(newest["sources"][0]) - {"start", "end", "spans"}
    assert set(newest) & {"question_embedding", *INTERNAL} == {"request_digest"}


def test_each_response_names_the_body_that_it_is_to() -> None:
    now = publication().response.occurred_at
    pending = Pending("default", "r-1", None, "digest", now, now)
    makers = (expired, cancelled, conflict)
    assert {make(pending, context(now)).response.request_digest for make in makers} == {"digest"}
    answered = publication(request_digest="of the outcome")
    assert answered.response.request_digest == answered.release.request_digest == "of the outcome"


def test_event_ids_are_distinct_and_repeatable() -> None:
    given = publication()
    ids = [[e.event_id for e in events_of(made, (1, 2))] for made in (given, given, publication())]
    assert len(set(ids[0])) == 3
    assert ids[0] == ids[1] == ids[2]
    assert str(given.release.response_event_id) == ids[0][0]
    assert str(given.release.cause) == ids[0][1], "the event id of version 1 is stable"


def test_version_1_of_an_inadmissible_answer_has_the_embedding() -> None:
    made = publication(answer_kind="cached")
    assert made.release.question_vector is None
    assert [s.passage for s in made.release.sources] == [""]
    body = v1(made)
    assert (body["admissible"], body["question_embedding"]["model"]) == (False, "m")
    assert body["sources"][0]["passage"] == TEXT


def test_an_unknown_status_is_cast_to_failed() -> None:
    made = publication(status="deferred")
    assert made.response.status == made.release.status == "deferred"
    assert not made.release.admissible
    body = v1(made)
    assert (body["status"], body.get("answer"), body["error"]["code"]) == ("failed", None, "unknown_status")


def test_other_unknown_values_are_cast_to_the_strictest_one() -> None:
    made = publication(
        verdicts=(Verdict(rail="new", stage="output", decision="quarantine"),),
        cache=CacheInfo(status="hit_federated"),
    )
    assert made.response.verdicts[0].decision == "quarantine"
    assert (made.release.admissible, made.release.admission_reason) == (
        False,
        "guardrail new decided quarantine",
    )
    body = v1(made)
    assert (body["verdicts"][0]["decision"], body["cache"]["status"]) == ("block", "bypass")


def test_responses_without_an_answer_are_cast() -> None:
    now = publication().response.occurred_at
    pending = Pending("default", "r-1", None, "digest", now, now)
    for made, events in ((expired(pending, context(now)), 3), (conflict(pending, context(now)), 2)):
        body = v1(made)
        assert (body["request_digest"], body["admissible"]) == ("digest", False)
        assert body["admission_reason"] == f"the status is {made.response.status}"
        assert len(events_of(made, (1, 2))) == events


@pytest.mark.parametrize(("given", "kept"), [([2], (2,)), ([2, 1, 2], (1, 2)), ([1, 2], (1, 2))])
def test_supported_versions_are_sorted_and_unique(given: list[int], kept: tuple[int, ...]) -> None:
    assert EvalSettings(response_versions=given).response_versions == kept  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [[], [1], [2, 3]])
def test_unsupported_versions_are_rejected(given: list[int]) -> None:
    with pytest.raises(ValueError, match="must contain 2 and only versions of: 1, 2"):
        EvalSettings(response_versions=given)  # type: ignore[arg-type]
