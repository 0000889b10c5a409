"""Replays without a stack: the change, the selection, the join with the log, and the rewritten events."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import septet_generation
from septet_cli.errors import CliError
from septet_cli.evaluation.pace import Pace
from septet_cli.evaluation.store import RunStore
from septet_cli.replay.candidate import ALIAS, parse_candidate
from septet_cli.replay.logged import Join, LoggedRequest
from septet_cli.replay.rewrite import case_of, request_id_of, rewritten
from septet_cli.replay.selection import parse_duration, parse_selection
from septet_cli.replay.session import Options, prepare, replay_settings
from septet_cli.replay.workspace import Workspace
from septet_contracts import (
    Ask,
    Draft,
    ErrorInfo,
    EvaluationSample,
    Grounded,
    Request,
    Response,
    Screened,
    Source,
    decode,
    encode,
    event_id,
    topic,
)
from septet_experiments.suites import Decision, SuiteSettings
from septet_kit.testing import flow

from tests.support.responses import respond

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SAME = parse_candidate([])


def response(request_id: str = "r-1", tenant: str = "default", **fields: Any) -> Response:
    request = Request(request_id=request_id, tenant=tenant, question="What is a deque?")
    return respond(request, language="en", policy="default", **fields)


def logged(event: Any, **fields: Any) -> LoggedRequest:
    return LoggedRequest(response(event.request_id, event.tenant, **fields), event)


@pytest.mark.parametrize(
    ("changes", "name", "services"),
    [
        ([], "grounded", ["generation", "guardrails", "eval"]),
        (["model=next"], "grounded", ["generation", "guardrails", "eval"]),
        (["index=schema:half"], "missed", ["retrieval", "generation", "guardrails", "eval"]),
        (["cache=off"], "screened", ["cache", "retrieval", "generation", "guardrails", "eval"]),
        (
            ["model=next", "policy=strict"],
            "requests",
            ["guardrails", "cache", "retrieval", "generation", "eval"],
        ),
    ],
)
def test_a_replay_starts_at_the_first_stage_that_is_affected(
    changes: list[str], name: str, services: list[str]
) -> None:
    candidate = parse_candidate(changes)
    assert (candidate.topic, list(candidate.services)) == (name, services)


@pytest.mark.parametrize(
    "text", ["model", "model=", "colour=red", "cache=on", "prompt=/no/such/folder", "prompt=."]
)
def test_what_is_no_change_is_refused_with_a_fix(text: str) -> None:
    with pytest.raises(CliError) as refused:
        parse_candidate([text])
    assert refused.value.fix


def test_a_kind_of_change_is_given_once() -> None:
    with pytest.raises(CliError, match="twice"):
        parse_candidate(["model=a", "model=b"])


def test_changes_reach_the_service_that_they_concern_alone(tmp_path: Path) -> None:
    prompts = Path(septet_generation.__file__).parent / "prompts"
    candidate = parse_candidate(
        [f"prompt={prompts}", "model=m@http://host/v1", f"policy={tmp_path}", "index=p-v2"]
    )
    live = {"SEPTET_GENERATION_MODELS": '{"small": {"model": "s"}}'}
    generation = candidate.environment("generation", live)
    assert generation["SEPTET_GENERATION_PROMPTS_DIR"] == str(prompts)
    assert json.loads(generation["SEPTET_GENERATION_MODELS"]) == {
        "small": {"model": "s"},
        ALIAS: {"model": "m", "url": "http://host/v1"},
    }
    assert candidate.environment("guardrails", live) == {"SEPTET_GUARDRAILS_POLICIES_DIR": str(tmp_path)}
    assert candidate.environment("retrieval", live) == {"SEPTET_OPENSEARCH_INDEX": "p-v2"}
    assert candidate.environment("eval", live) == {}
    asked = candidate.rewrite(Ask(question="q", policy="default", stream=True))
    assert (asked.model, asked.policy, asked.stream) == (ALIAS, "default", False)


def test_another_index_must_find_the_documents_that_were_cited() -> None:
    assert parse_candidate(["index=schema:half"]).further_metrics == ("abstention", "recall")
    assert parse_candidate(["model=next"]).further_metrics == ("abstention",)


def test_names_of_models_and_policies_are_set_in_the_request() -> None:
    candidate = parse_candidate(["model=next", "policy=strict"])
    asked = candidate.rewrite(Ask(question="q"))
    assert (asked.model, asked.policy) == ("next", "strict")
    assert candidate.environment("generation", {}) == candidate.environment("guardrails", {}) == {}


@pytest.mark.parametrize(
    ("conditions", "matches"),
    [
        ([], True),
        (["status=answered"], True),
        (["status=refused", "status=answered"], True),
        (["status=answered", "language=ko"], False),
        (["status=refused,answered"], True),
        (["document=d"], True),
        (["document=e"], False),
        (["conversation=c"], False),
        (["answer_kind=generated", "policy=default", "tenant=default"], True),
    ],
)
def test_conditions_on_one_field_are_alternatives_and_all_fields_must_hold(
    conditions: list[str], matches: bool
) -> None:
    source = Source(number=1, passage_id="p", document_id="d", passage="A deque is a queue.", cited=True)
    assert parse_selection(conditions).matches(response(sources=(source,))) is matches


@pytest.mark.parametrize("text", ["status", "colour=red", "=x"])
def test_an_unknown_condition_is_refused(text: str) -> None:
    with pytest.raises(CliError, match="no such condition"):
        parse_selection([text])


def test_only_answered_requests_match_unless_a_status_is_named() -> None:
    refused = response(status="refused")
    assert not parse_selection([]).matches(refused)
    assert not parse_selection(["language=en"]).matches(refused)
    assert parse_selection(["status=refused"]).matches(refused)


def test_time_spans() -> None:
    assert [parse_duration(t) for t in ("90s", "30m", "24h", "7d", "1.5h")] == [
        timedelta(seconds=90),
        timedelta(minutes=30),
        timedelta(hours=24),
        timedelta(days=7),
        timedelta(minutes=90),
    ]
    for text in ("24", "h", "-1h", "1w", ""):
        with pytest.raises(CliError):
            parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "99999d", "999999999999d"])
def test_a_time_span_that_no_log_has_is_refused(text: str) -> None:
    with pytest.raises(CliError, match="not between 0 and 3650 days"):
        parse_duration(text)


def test_the_metrics_of_a_replay_are_checked_before_it_runs() -> None:
    settings = replay_settings("abstention", ["abstention", "token_f1", "token_f1"], 0.1)
    assert settings.all_metrics == ("abstention", "token_f1")
    with pytest.raises(CliError, match="unknown metric fluency"):
        replay_settings("groundedness", ["fluency"], 0.1)
    with pytest.raises(CliError, match="--margin inf"):
        replay_settings("groundedness", [], float("inf"))


def test_the_log_is_joined_by_tenant_and_request() -> None:
    join = Join(parse_selection(["status=answered"]))
    conflict = ErrorInfo(code="conflict", message="another body")
    for each in (
        response("old", occurred_at=NOW),
        response("new", occurred_at=NOW + MINUTE),
        response("new", "acme", occurred_at=NOW),
        response("no-event"),
        response("refused", status="refused"),
        response("twice", status="failed", error=conflict),
        response("eval-1"),
    ):
        join.add_response(each)
    first = flow(Grounded, request_id="new", question="first")
    for event in (
        flow(Grounded, request_id="old"),
        first,
        flow(Grounded, request_id="new", question="redelivered"),
        flow(Grounded, request_id="new", tenant="acme"),
        flow(Grounded, request_id="refused"),
        flow(Grounded, request_id="stranger"),
        flow(
            Grounded,
            request_id="eval-1",
            ask=Ask(question="q", evaluation=EvaluationSample(run="r", case="c")),
        ),
    ):
        join.add_event(event)
    found = [(r.event.tenant, r.event.request_id) for r in join.requests()]
    assert found[0] == ("default", "new")
    assert sorted(found) == [("acme", "new"), ("default", "new"), ("default", "old")]
    assert join.requests()[0].event is first
    assert ("default", "eval-1") not in join.responses


@pytest.mark.parametrize("kind", [Grounded, Screened])
def test_a_rewritten_event_belongs_to_the_replay_and_keeps_its_content(kind: Any) -> None:
    before = flow(kind, request_id="r-9", tenant="acme", sealed="secret", conversation_id="c-1")
    request = rewritten(logged(before), "replay-1", parse_candidate(["model=next"]), NOW, MINUTE)
    after = decode(topic(kind.STEP), request.value)
    assert after.request_id == request_id_of("replay-1", "acme", "r-9") != "r-9"
    assert after.event_id == event_id("acme", after.request_id, kind.STEP) != before.event_id
    assert (after.tenant, after.conversation_id, after.causation_id) == ("acme", "c-1", None)
    assert (after.accepted_at, after.deadline) == (NOW, NOW + MINUTE)
    assert after.ask.evaluation == EvaluationSample(run="replay-1", case="acme/r-9")
    assert (after.ask.model, after.sealed) == ("next", None)
    changed = {"request_id", "event_id", "occurred_at", "accepted_at", "deadline", "ask", "sealed"}
    assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)
    assert request.record_key == b"acme:c-1"
    headers = dict(request.headers)
    assert headers["septet-event-id"] == str(after.event_id).encode()
    assert headers["traceparent"].startswith(b"00-")


def test_a_rewritten_request_is_the_client_s_with_an_id_of_the_replay() -> None:
    before = Request(request_id="r-9", tenant="acme", question="덱은 무엇인가요?", stream=True, deadline=NOW)
    request = rewritten(logged(before), "replay-1", parse_candidate(["policy=strict"]), NOW, MINUTE)
    after = decode(topic("requests"), request.value)
    assert isinstance(after, Request)
    assert (after.tenant, after.question, after.policy, after.stream) == (
        "acme",
        before.question,
        "strict",
        False,
    )
    assert after.deadline == NOW + MINUTE
    assert after.evaluation is not None


def test_ids_follow_from_the_replay_the_tenant_and_the_request() -> None:
    ids = {request_id_of(r, t, i) for r in ("replay-1", "replay-2") for t in ("a", "b") for i in ("x", "y")}
    assert len(ids) == 8
    assert request_id_of("replay-1", "a", "x") == request_id_of("replay-1", "a", "x")


def test_a_case_has_what_reports_slice_by() -> None:
    cited = Source(number=1, passage_id="p", document_id="d-1", passage="A deque is a queue.", cited=True)
    case = case_of(logged(flow(Grounded, request_id="r-1", conversation_id="c-1"), sources=(cited,)))
    assert (case.id, case.cluster, case.document) == ("default/r-1", "conversation:c-1", "d-1")
    assert case.slices == {
        "tenant": "default",
        "language": "en",
        "status": "answered",
        "policy": "default",
        "document": "d-1",
    }
    assert case.origin.trace_id == response().trace_id
    assert case.expected == "answer"
    assert case.relevant == {"d-1": 1}
    assert case_of(logged(flow(Grounded), status="abstained")).expected == "abstain"
    assert case_of(logged(flow(Grounded), status="failed")).expected is None
    long = case_of(logged(flow(Grounded, request_id="x" * 128)))
    assert len(long.id) <= 96


def options(**fields: Any) -> Options:
    settings = SuiteSettings(
        name="replay", cases=("traffic",), primary=Decision(metric="groundedness", margin=0.05)
    )
    given = {"candidate": SAME, "span": MINUTE, "selection": parse_selection([]), "limit": None}
    return Options(**{**given, **fields}, pace=Pace(None, 4, 60), settings=settings)


def test_both_runs_have_the_same_cases_and_the_baseline_has_the_logged_responses(tmp_path: Path) -> None:
    requests = [
        logged(flow(Grounded, request_id="a")),
        logged(flow(Grounded, request_id="b"), status="failed"),
    ]
    runs = prepare(RunStore(tmp_path), options(candidate=parse_candidate(["model=next"])), requests)
    before, after = runs.baseline.info(), runs.candidate.info()
    assert before.dataset_digest == after.dataset_digest
    assert before.id == f"{after.id}-logged"
    assert (before.overrides, after.overrides) == ({}, {"model": "next"})
    assert runs.baseline.cases() == runs.candidate.cases()
    assert [(s.request_id, s.error) for s in runs.baseline.samples()] == [("a", None), ("b", "failed")]
    assert runs.candidate.samples() == []


def test_a_killed_replay_is_told_from_a_running_one(tmp_path: Path) -> None:
    workspace = Workspace.of(tmp_path, "replay-1")
    workspace.claim()
    assert [w.replay for w in Workspace.all(tmp_path)] == ["replay-1"]
    assert workspace.is_running
    record = workspace.path / "owner.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "created": 1.0}))
    assert not workspace.is_running
    workspace.remove()
    assert list(Workspace.all(tmp_path)) == []


def test_a_rewritten_event_is_valid_json_of_its_contract() -> None:
    request = rewritten(logged(flow(Grounded)), "replay-1", SAME, NOW, MINUTE)
    assert encode(decode(topic("grounded"), request.value)) == request.value
    assert not isinstance(request.event, Draft)
