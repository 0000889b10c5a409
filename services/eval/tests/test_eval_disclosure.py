"""Restored answers: only the record of the response holds the user's own values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet
from prometheus_client import REGISTRY
from septet_contracts import Ask, Outcome, StageTiming, Verdict, decode, encode, topic
from septet_eval.adapters.disclosure import MISSING, Disclosure
from septet_eval.application.publication import events_of
from septet_eval.domain.admission import Floors
from septet_eval.domain.case import case_of
from septet_eval.domain.caster import VERSIONS
from septet_eval.domain.response import ReleaseContext, respond
from septet_kit import Emit
from septet_kit.sealing import Sealer
from septet_kit.store.outbox import MAX_VALUE
from septet_kit.testing import flow

SEALER = Sealer([Fernet.generate_key().decode()])
VALUE = '김민지 "kim@example.org"'


def outcome(answer: str = "I write to <EMAIL_1>.", **fields: Any) -> Outcome:
    text = answer.replace(
        "<EMAIL_1>", json.dumps(VALUE, ensure_ascii=False)[1:-1] if "{" in answer else VALUE
    )
    verdicts = (
        Verdict(rail="pii", stage="input", decision="mask"),
        Verdict(rail="pii", stage="output", decision="pass", reason="restored 1 value"),
    )
    sealed = SEALER.seal(text, "answer", "default", "r-1")
    base = {"answer": answer, "sealed_answer": sealed, "answer_kind": "generated", "verdicts": verdicts}
    return flow(Outcome, **(base | fields))


def emits(of: Outcome) -> dict[str, Emit]:
    context = ReleaseContext(at=datetime.now(UTC), timing=StageTiming(stage="eval", queue_ms=0, work_ms=0))
    publication = respond(of, (), (), Floors({}, grounded_only=False), context)
    return {emit.topic: emit for emit in events_of(publication, VERSIONS)}


@pytest.mark.parametrize("name", ["responses", "responses.v1"])
def test_the_response_holds_the_values_when_it_is_sent(name: str) -> None:
    emit = emits(outcome())[name]
    assert emit.sealed is not None
    assert VALUE not in emit.value.decode()
    response = decode(topic(name), Disclosure(SEALER)(emit.value, emit.sealed))
    assert response.answer == f"I write to {VALUE}."
    assert response.model_copy(update={"answer": "I write to <EMAIL_1>."}) == emit.event


@pytest.mark.parametrize("name", ["responses", "responses.v1"])
def test_a_json_answer_is_restored_in_both_forms(name: str) -> None:
    ask = Ask(question="x", output_schema={"type": "object"})
    emit = emits(outcome('{"to": "<EMAIL_1>"}', ask=ask))[name]
    assert emit.sealed is not None
    response = decode(topic(name), Disclosure(SEALER)(emit.value, emit.sealed))
    assert response.answer_json == {"to": VALUE}
    assert json.loads(response.answer) == {"to": VALUE}


def test_no_other_event_and_no_scorer_gets_the_values() -> None:
    release = emits(outcome())["releases"]
    assert release.sealed is None
    assert b"<EMAIL_1>" in release.value
    assert case_of(outcome()).answer == "I write to <EMAIL_1>."


def test_the_cache_may_not_keep_the_answer() -> None:
    release = emits(outcome())["releases"].event
    assert json.loads(encode(release))["admissible"] is False
    assert "personal data" in json.loads(encode(release))["admission_reason"]


@pytest.mark.parametrize("sealer", [None, Sealer([Fernet.generate_key().decode()])])
def test_without_the_key_the_response_keeps_its_placeholders(
    sealer: Sealer | None, capsys: pytest.CaptureFixture[str]
) -> None:
    emit = emits(outcome())["responses"]
    response = decode(topic("responses"), Disclosure(sealer)(emit.value, emit.sealed or ""))
    assert response.answer == "I write to <EMAIL_1>."
    assert MISSING in response.degraded
    said = capsys.readouterr().out
    assert "the response keeps its placeholders" in said
    assert VALUE not in said


def test_a_sealed_answer_of_another_request_is_not_shown() -> None:
    emit = emits(outcome(request_id="r-2"))["responses"]
    response = decode(topic("responses"), Disclosure(SEALER)(emit.value, emit.sealed or ""))
    assert response.answer == "I write to <EMAIL_1>."


def restored() -> float:
    return REGISTRY.get_sample_value("septet_eval_disclosed_total", {"result": "restored"}) or 0.0


@pytest.mark.parametrize("name", ["responses", "responses.v1"])
@pytest.mark.parametrize(
    "opened",
    [
        f"I write to {VALUE}.",
        f'{{"to": "{VALUE}}}',
        '{"to": NaN}',
        '{"to": "\\ud800"}',
        "[" * 100_000,
        json.dumps({"to": "가" * 700_000}, ensure_ascii=False),
    ],
)
def test_an_answer_that_cannot_be_put_in_keeps_its_placeholders(
    name: str, opened: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = SEALER.seal(opened, "answer", "default", "r-1")
    ask = Ask(question="x", output_schema={"type": "object"})
    emit = emits(outcome('{"to": "<EMAIL_1>"}', ask=ask, sealed_answer=sealed))[name]
    before = restored()
    record = Disclosure(SEALER)(emit.value, emit.sealed or "")
    response = decode(topic(name), record)
    assert (response.answer, response.answer_json) == ('{"to": "<EMAIL_1>"}', {"to": "<EMAIL_1>"})
    assert MISSING in response.degraded
    assert (restored(), len(record) <= MAX_VALUE) == (before, True)
    assert "kim@" not in capsys.readouterr().out


def test_other_responses_have_no_sealed_text() -> None:
    assert [emit.sealed for emit in emits(outcome(sealed_answer=None)).values()] == [None, None, None]
