"""The response and its admission to the cache."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_contracts import (
    Ask,
    CacheOptions,
    Embedding,
    Outcome,
    Response,
    Score,
    StageTiming,
    Verdict,
    encode,
    event_id,
)
from septet_eval.domain.admission import Floors, admission
from septet_eval.domain.response import Publication, ReleaseContext, respond
from septet_kit.testing import flow, passage

FLOORS = Floors({"groundedness": 0.5, "answer_relevance": 0.2})
GOOD = (
    Score(name="groundedness", value=0.9),
    Score(name="answer_relevance", value=0.8),
    Score(name="refusal", value=0.0),
)
PASSAGES = tuple(passage(f"text {n}", n, title=f"T{n}", score=1 / n) for n in (1, 2))


def outcome(**fields: Any) -> Outcome:
    return flow(Outcome, **{"answer_kind": "generated", "passages": PASSAGES} | fields)


def publication(
    given: Outcome, scores: tuple[Score, ...] = GOOD, degraded: tuple[str, ...] = ()
) -> Publication:
    at = given.accepted_at + timedelta(milliseconds=1500)
    release = ReleaseContext(
        at=at, timing=StageTiming(stage="eval", queue_ms=1, work_ms=2), trace_id="ab" * 16
    )
    return respond(given, scores, degraded, FLOORS, release)


def answer(given: Outcome, scores: tuple[Score, ...] = GOOD, degraded: tuple[str, ...] = ()) -> Response:
    return publication(given, scores, degraded).response


def verdict(decision: Any, stage: Any = "output", rail: str = "toxicity") -> Verdict:
    return Verdict(rail=rail, stage=stage, decision=decision)


def test_a_response_carries_the_fields_of_its_outcome() -> None:
    given = outcome(
        question_vector=Embedding.of("m", (0.6, 0.8)),
        ask=Ask(question="덱은?", cache=CacheOptions(key="k")),
        timings=(StageTiming(stage="cache", queue_ms=1, work_ms=1),),
        degraded=("retrieval.dense",),
    )
    made = publication(given, degraded=("eval.embeddings", "retrieval.dense"))
    response, release = made.response, made.release
    assert made.first_id == release.cause == event_id("default", "r-1", "response")
    assert response.event_id == release.response_event_id != made.first_id
    assert (response.causation_id, response.question, release.cache_key) == (given.event_id, "덱은?", "k")
    assert (response.total_ms, response.trace_id) == (1500.0, "ab" * 16)
    assert [t.stage for t in response.timings] == ["cache", "eval"]
    assert response.degraded == ("retrieval.dense", "eval.embeddings")
    assert made.question_vector == given.embedding
    assert Response.model_validate_json(encode(response)) == response


def test_sources_are_numbered_and_marked_as_cited() -> None:
    response = answer(outcome(answer="So it is [2]. And [7]."))
    assert [(s.number, s.document_id, s.cited) for s in response.sources] == [
        (1, "d1", False),
        (2, "d2", True),
    ]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [('{"a": [1]}', {"a": [1]}), ("not json", None), ("[" * 100_000, None)],
    ids=["json", "text", "deep"],
)
def test_a_json_answer_is_parsed(text: str, parsed: Any) -> None:
    assert answer(outcome(answer=text, ask=Ask(question="q", output_schema={}))).answer_json == parsed


def test_prose_is_not_parsed() -> None:
    assert answer(outcome(answer="12")).answer_json is None


def test_a_slow_clock_never_makes_a_negative_duration() -> None:
    assert answer(outcome(accepted_at=datetime.now(UTC))).total_ms == 1500.0
    given = outcome()
    release = ReleaseContext(
        at=given.accepted_at - timedelta(seconds=9), timing=StageTiming(stage="eval", queue_ms=0, work_ms=0)
    )
    assert respond(given, (), (), FLOORS, release).response.total_ms == 0.0


def test_a_good_answer_is_admitted() -> None:
    allowed, reason = admission(
        outcome(verdicts=(verdict("pass"), verdict("fix", rail="citations"))), GOOD, FLOORS
    )
    assert allowed, reason


def test_the_last_verdict_of_a_corrected_draft_counts() -> None:
    assert admission(outcome(verdicts=(verdict("reask"), verdict("pass"))), GOOD, FLOORS)[0]
    assert not admission(outcome(verdicts=(verdict("pass"), verdict("reask"))), GOOD, FLOORS)[0]


def test_a_missing_answer_embedding_does_not_bar_the_answer() -> None:
    assert admission(outcome(degraded=("eval.embeddings",)), GOOD, FLOORS)[0]


def scores(**values: float) -> tuple[Score, ...]:
    return tuple(Score(name=n, value=v) for n, v in values.items())


@pytest.mark.parametrize(
    ("fields", "given", "reason"),
    [
        ({"status": "abstained"}, GOOD, "status is abstained"),
        ({"status": "refused"}, GOOD, "status is refused"),
        ({"status": "deferred"}, GOOD, "status is deferred"),
        ({"verdicts": (verdict("quarantine"),)}, GOOD, "toxicity decided quarantine"),
        ({"answer_kind": "cached"}, GOOD, "kind cached"),
        ({"answer": ""}, GOOD, "kind generated"),
        ({"ask": Ask(question="q", cache=CacheOptions(use="bypass"))}, GOOD, "bypasses"),
        ({"verdicts": (verdict("flag"),)}, GOOD, "toxicity decided flag"),
        ({"verdicts": (verdict("mask", "input", "pii"),)}, GOOD, "personal data"),
        ({"degraded": ("retrieval.dense",)}, GOOD, "not available: retrieval.dense"),
        ({}, scores(answer_relevance=0.9), "no passages"),
        ({}, scores(groundedness=0.49), "groundedness 0.49 is below 0.50"),
        ({}, scores(groundedness=0.9, answer_relevance=0.1), "answer_relevance"),
        ({}, scores(groundedness=0.9, refusal=1.0), "declines"),
    ],
)
def test_an_answer_that_fails_any_condition_is_not_admitted(
    fields: dict[str, Any], given: tuple[Score, ...], reason: str
) -> None:
    allowed, why = admission(outcome(**fields), given, FLOORS)
    assert not allowed
    assert reason in why


def test_ungrounded_answers_are_admitted_only_by_setting() -> None:
    given = outcome(passages=())
    assert not admission(given, scores(answer_relevance=0.9), FLOORS)[0]
    assert admission(given, scores(answer_relevance=0.9), Floors(FLOORS.scores, grounded_only=False))[0]
