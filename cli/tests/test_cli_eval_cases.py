"""Cases from logged traffic and from feedback, in English and Korean."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from septet_cli.errors import CliError
from septet_cli.evaluation.case_file import CaseFile
from septet_cli.evaluation.from_feedback import FeedbackCases, outcome_of
from septet_cli.evaluation.from_traffic import TrafficCases, filters_of
from septet_contracts import (
    Ask,
    EvaluationSample,
    Label,
    Message,
    Outcome,
    RetrievalInfo,
    RetrievalOptions,
    encode,
)
from septet_experiments.cases import Case
from septet_experiments.suites import read_cases
from septet_kit.testing import flow

from tests.support.memory_log import MemoryLog

SEARCHED = RetrievalInfo(mode="hybrid")


def outcome(request_id: str, question: str, **fields: Any) -> Outcome:
    ask = Ask(question=question, **fields.pop("options", {}))
    made = {"ask": ask, "answer_kind": "generated", "retrieval": SEARCHED, **fields}
    return flow(Outcome, request_id=request_id, **made)


def cases_of(*outcomes: Outcome, where: tuple[str, ...] = (), **more: Any) -> list[Case]:
    made = TrafficCases(filters_of(where), **more)
    for item in outcomes:
        made.add(item, "a" * 32)
    return made.sample(None, 1)


def test_each_different_question_becomes_one_case() -> None:
    found = cases_of(
        outcome("r-1", "What is a deque?"),
        outcome("r-1", "Another body of the same id?"),
        outcome("r-2", "what is a  DEQUE"),
        outcome("r-3", "덱은 무엇인가요?", language="ko"),
        outcome("r-4", "What is a deque?", options={"retrieval": RetrievalOptions(k=9)}),
    )
    assert sorted(case.origin.request_id or "" for case in found) == ["r-1", "r-3", "r-4"]
    by_request = {case.origin.request_id: case for case in found}
    assert by_request["r-3"].slices == {"language": "ko"}
    assert by_request["r-4"].request == {"retrieval": {"k": 9}}
    assert {case.origin.kind for case in found} == {"traffic"}
    assert {case.origin.trace_id for case in found} == {"a" * 32}


@pytest.mark.parametrize(
    "fields",
    [
        {"options": {"evaluation": EvaluationSample(run="r", case="c")}},
        {"status": "failed"},
        {"status": "blocked"},
        {"answer_kind": "none", "retrieval": None},
        {"tenant": "acme"},
    ],
)
def test_other_outcomes_give_no_case(fields: dict[str, Any]) -> None:
    assert cases_of(outcome("r", "What?", **fields), where=("tenant=default",)) == []


def test_conditions_select_by_field() -> None:
    logged = [
        outcome("r-1", "one?", language="en"),
        outcome("r-2", "둘?", language="ko"),
        outcome("r-3", "three?", status="blocked"),
        outcome("r-4", "four?", options={"policy": "strict"}),
    ]
    assert [c.question for c in cases_of(*logged, where=("language=ko",))] == ["둘?"]
    assert [c.question for c in cases_of(*logged, where=("policy=strict", "language=en,ko"))] == ["four?"]
    assert [c.question for c in cases_of(*logged, where=("status=blocked",))] == ["three?"]
    for wrong in ("colour=red", "status", "status="):
        with pytest.raises(CliError, match="no such condition"):
            filters_of([wrong])


def test_the_sample_depends_on_the_seed_alone() -> None:
    logged = [outcome(f"r-{n}", f"Question {n}?") for n in range(30)]
    made, again = TrafficCases({}), TrafficCases({})
    for item in logged:
        made.add(item)
    for item in reversed(logged):
        again.add(item)
    assert made.sample(5, 3) == again.sample(5, 3) != made.sample(5, 4)
    assert len(made.sample(99, 1)) == 30


def test_personal_data_is_masked_in_all_texts() -> None:
    messages = (
        Message(role="user", content="제 번호는 010-1234-5678입니다"),
        Message(role="user", content="ok"),
    )
    asked = outcome("r", "Mail bob@example.com and <EMAIL_1>?", options={"messages": messages})
    made = TrafficCases({})
    made.add(asked)
    [case] = made.sample(None, 1)
    assert case.question == "Mail <EMAIL_2> and <EMAIL_1>?"
    assert case.messages is not None
    assert "1234" not in case.messages[0].content
    assert made.scrubbed == 1


def test_a_file_keeps_its_lines_and_gets_no_question_twice(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('# mine\n{"id": "mine", "question": "What is a deque?"}', encoding="utf-8")
    file = CaseFile(path)
    found = cases_of(outcome("r-1", "What is a deque"), outcome("r-2", "New?"), known=file.questions())
    assert [file.add(case) for case in found] == [True]
    assert [file.add(case) for case in found] == [False]
    assert [case.question for _, case in read_cases(path)] == ["What is a deque?", "New?"]
    assert path.read_text(encoding="utf-8").startswith("# mine\n")


def label(kind: str = "thumbs", **fields: Any) -> Label:
    made: dict[str, Any] = {
        "request_id": "r-1",
        "event_id": uuid4(),
        "occurred_at": datetime.now(UTC),
        "feedback_id": "f-1",
        "kind": kind,
        "explicit": True,
        "polarity": "negative",
        "weight": 1,
        "question": "What is a deque?",
        "answer": "A list.",
        "response_event_id": "e",
        "trace_id": "b" * 32,
    }
    return Label(**(made | fields))


CORRECTION = {"corrected_answer": "A queue; ask bob@example.com.", "feedback_id": "f-2"}


def test_a_replaced_line_leaves_all_others_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(
        '\ufeff{"id": "a", "question": "?"}\n{"id": "b", "question": "two\u2028lines\u0085"}\n',
        encoding="utf-8",
    )
    file = CaseFile(path)
    with path.open("a", encoding="utf-8") as edited:
        edited.write('{"id": "half\n')
    assert file.add(Case(id="a", question="!"))
    first, *others = path.read_text(encoding="utf-8").split("\n")
    assert json.loads(first) == {"id": "a", "question": "!"}
    assert others == ['{"id": "b", "question": "two\u2028lines\u0085"}', '{"id": "half', ""]


def test_a_reference_that_the_user_edited_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    correction = label("correction", **CORRECTION)
    FeedbackCases(CaseFile(path)).add(correction)
    path.write_text(
        path.read_text(encoding="utf-8").replace("A queue", "A double-ended queue"), encoding="utf-8"
    )
    for item in (label(), correction):
        assert FeedbackCases(CaseFile(path)).add(item) is None
    [(_, case)] = read_cases(path)
    assert case.references == ("A double-ended queue; ask <EMAIL_1>.",)


@pytest.mark.parametrize("corrected_first", [True, False])
def test_a_correction_gives_the_case_its_reference(tmp_path: Path, corrected_first: bool) -> None:
    path = tmp_path / "feedback.jsonl"
    path.write_text("# from users\n", encoding="utf-8")
    made = FeedbackCases(CaseFile(path))
    labels = [label(), label("correction", **CORRECTION)]
    for item in reversed(labels) if corrected_first else labels:
        made.add(item)
    [(_, case)] = read_cases(path)
    assert (case.question, case.references) == ("What is a deque?", ("A queue; ask <EMAIL_1>.",))
    assert (case.origin.kind, case.origin.feedback_id, case.origin.trace_id) == ("feedback", "f-2", "b" * 32)
    assert path.read_text(encoding="utf-8").startswith("# from users\n")
    assert made.scrubbed >= 1


@pytest.mark.parametrize(
    "fields",
    [
        {"polarity": "positive"},
        {"explicit": False, "kind": "dismissed"},
        {"kind": "comment", "polarity": "neutral"},
        {"question": None},
        {"tenant": "acme"},
    ],
)
def test_other_feedback_gives_no_case(tmp_path: Path, fields: dict[str, Any]) -> None:
    made = FeedbackCases(CaseFile(tmp_path / "f.jsonl"), "default")
    assert made.add(label(**fields)) is None
    assert not (tmp_path / "f.jsonl").exists()


async def test_a_case_from_feedback_has_the_conversation_and_the_options_of_its_request(
    tmp_path: Path,
) -> None:
    log, since = MemoryLog(), datetime.now(UTC) - timedelta(hours=1)
    messages = (
        Message(role="user", content="I am bob@example.com"),
        Message(role="assistant", content="Hi."),
    )
    options = {"messages": messages, "policy": "strict"}
    logged = outcome("r-1", "What is a deque?", options=options, language="en")
    for item in (outcome("r-10", "Other?"), logged, outcome("r-1", "Of a stranger?", tenant="acme")):
        log.append("septet.outcomes.v1", encode(item))
    log.append("septet.outcomes.v1", b'{"request_id": "r-1"}')
    found = await outcome_of(log, label(), since)
    assert found == logged
    case = FeedbackCases(CaseFile(tmp_path / "f.jsonl")).add(label(), found)
    assert case is not None
    assert [m.content for m in case.messages or ()] == ["I am <EMAIL_1>", "Hi."]
    assert (case.question, case.request, case.slices) == (
        "What is a deque?",
        {"policy": "strict"},
        {"language": "en"},
    )
    assert await outcome_of(log, label(request_id="gone"), since) is None


def test_a_korean_thumbs_down_becomes_a_case_without_a_reference(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    question = "제 이메일은 kim@example.com인데 환불되나요?"
    assert FeedbackCases(CaseFile(path)).add(label(question=question)) is not None
    [(_, case)] = read_cases(path)
    assert (case.question, case.references) == ("제 이메일은 <EMAIL_1>인데 환불되나요?", ())
    assert FeedbackCases(CaseFile(path)).add(label(question=question)) is None
