"""``septet cache``: its files of questions, its screens, and its reading of the log on a real Kafka."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from septet_cache.application.advice import advise
from septet_cache.application.sentences import sentences
from septet_cache.domain.findings import Rules
from septet_cache.domain.frequent import Frequent
from septet_cli.caching.questions import BadLine, Run, WarmRequest, frequent_request, read_lines
from septet_cli.caching.show import CAUSES, advice_screen, warm_summary
from septet_cli.caching.traffic import JoinedRequests
from septet_cli.caching.warm import NotAdmitted, WarmReport
from septet_cli.main import app
from septet_contracts import (
    Ask,
    CacheInfo,
    CacheOptions,
    EvaluationSample,
    Missed,
    Outcome,
    Passage,
    Release,
    RetrievalOptions,
)
from septet_kit.testing import flow
from typer.testing import CliRunner

DAY = datetime(2026, 3, 1, tzinfo=UTC)
RUN = Run.of(DAY, "", False, tenant="acme", policy=None)


def lines(*texts: str, run: Run = RUN) -> list[WarmRequest | tuple[str, BadLine]]:
    return list(read_lines("faq", [text.encode() for text in texts], run))


def bodies(*texts: str, run: Run = RUN) -> list[dict[str, Any]]:
    found = lines(*texts, run=run)
    assert all(isinstance(item, WarmRequest) for item in found)
    made = [item.body for item in found if isinstance(item, WarmRequest)]
    return [{k: v for k, v in body.items() if k != "request_id"} for body in made]


def test_a_file_of_questions_has_one_a_line() -> None:
    assert bodies("\ufeffWhat is a deque?", "", "  반품 기간은 얼마나 되나요?  ", "{not JSON}") == [
        {"tenant": "acme", "question": "What is a deque?"},
        {"tenant": "acme", "question": "반품 기간은 얼마나 되나요?"},
        {"tenant": "acme", "question": "{not JSON}"},
    ]


def test_a_file_of_objects_has_the_fields_of_requests() -> None:
    line = '{"question": "Price?", "cache": {"key": "item:7"}, "tenant": "globex", "retrieval": {"k": 3}}'
    assert bodies(line) == [json.loads(line)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"question": 7}', "question: Input should be a valid string; correct `question`"),
        ('{"quesion": "x"}', "quesion: no such field; the fields are request_id, tenant"),
        ('{"question": "x", "cache": {"kye": "a"}}', "cache.kye: no such field; the fields are use, key"),
        ('{"question": "x", "cache": "item:7"}', 'cache: give an object such as {"key": "item:7"}'),
        ('{"question": "x", "cache": {"use": "bypass"}}', "cache.use: `bypass` stores no answer"),
        (
            '{"question": "x", "retrieval": {"k": 99}}',
            "retrieval.k: Input should be less than or equal to 50",
        ),
        ('{"question": "x", "tenant": "A B"}', "tenant: String should match pattern"),
        ('{"question": "x", "request_id": "r"}', "request_id: the command derives it"),
        (
            '{"question": "x", "evaluation": {"run": "r", "case": "c"}}',
            "evaluation: the answers of evaluation runs",
        ),
        ('{"question": "x", "check": {}}', "check: the answer to a check is not cached"),
        ('{"tenant": "acme"}', "give `question`"),
        ('{"question": " "}', "question: it is empty"),
        ('{"question": "\\ud800"}', "half of a surrogate pair"),
        ("{'question': 'x'}", "not JSON"),
        ('{"question": "x"} trailing', "not JSON"),
    ],
)
def test_a_bad_line_names_its_place_and_its_field(line: str, message: str) -> None:
    good, bad = lines('{"question": "good"}', line)
    assert isinstance(good, WarmRequest)
    assert not isinstance(bad, WarmRequest)
    assert bad[0] == "faq:2"
    assert message in str(bad[1])


def test_bytes_that_are_not_utf_8_are_a_bad_line() -> None:
    (bad,) = read_lines("faq", [b"caf\xe9?"], RUN)
    assert not isinstance(bad, WarmRequest)
    assert "UTF-8" in str(bad[1])


def test_a_request_id_depends_on_the_line_and_the_run_only() -> None:
    def request_id(line: str, run: Run = RUN) -> str:
        (found,) = lines(line, run=run)
        assert isinstance(found, WarmRequest)
        return found.request_id

    same = request_id("What is a deque?")
    assert request_id('{"question": "What is a deque?"}') == same
    others = [
        request_id("What is a heap?"),
        request_id("What is a deque?", Run.of(DAY, "second", False, tenant="acme")),
        request_id("What is a deque?", Run.of(DAY, "", True, tenant="acme")),
        request_id("What is a deque?", Run.of(DAY.replace(day=2), "", False, tenant="acme")),
        request_id("What is a deque?", Run.of(DAY, "", False, tenant="globex")),
    ]
    assert len({same, *others}) == 6


def test_refresh_applies_to_lines_that_do_not_say_otherwise() -> None:
    run = Run.of(DAY, "", True)
    asked = (
        "x",
        '{"question": "x", "cache": {"key": "k"}}',
        '{"question": "x", "cache": {"use": "default"}}',
    )
    found = [bodies(line, run=run)[0]["cache"] for line in asked]
    assert found == [{"use": "refresh"}, {"use": "refresh", "key": "k"}, {"use": "default"}]


def test_a_frequent_question_has_the_options_of_its_request() -> None:
    ask = Ask(
        question="What is a deque?",
        retrieval=RetrievalOptions(mode="dense"),
        cache=CacheOptions(use="refresh", key="k"),
        policy="strict",
        stream=True,
        reference="a queue",
    )
    body = frequent_request(Frequent("acme", ask, 9), Run.of(DAY, "", False)).body
    body.pop("request_id")
    assert body == {
        "tenant": "acme",
        "question": "What is a deque?",
        "retrieval": {"mode": "dense"},
        "policy": "strict",
        "cache": {"key": "k"},
    }
    plain = frequent_request(Frequent("acme", Ask(question="x"), 9), Run.of(DAY, "", False)).body
    assert plain.keys() == {"tenant", "question", "request_id"}


@pytest.fixture
def no_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("SEPTET_KAFKA_BOOTSTRAP", raising=False)


def invoke(*arguments: str, text: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["cache", *arguments], input=text)
    return result.exit_code, " ".join(result.output.split())


def test_all_lines_are_checked_before_anything_is_published(tmp_path: Path, no_stack: None) -> None:
    file = tmp_path / "faq.jsonl"
    file.write_text('{"question": "good"}\n{"question": 7}\n{"quesion": "x"}\n')
    code, shown = invoke("warm", str(file))
    assert code == 1
    assert "faq.jsonl:2: question: Input should be a valid string" in shown
    assert "faq.jsonl:3: quesion: no such field" in shown
    assert "2 lines are not valid; nothing was published" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["warm"], "Give either a file or --top"),
        (["warm", "faq.txt", "--top", "3"], "Give either a file or --top"),
        (["warm", "/no/such/file"], "cannot be read"),
        (["warm", "-"], "has no question"),
        (["warm", "--top", "3"], "No stack runs"),
        (["advise"], "No stack runs"),
    ],
)
def test_a_wrong_call_is_reported_with_a_fix(no_stack: None, arguments: list[str], message: str) -> None:
    code, shown = invoke(*arguments, text="")
    assert code == 1
    assert message in shown
    assert "fix:" in shown


def test_a_dry_run_prints_a_file_for_the_command_and_needs_no_stack(no_stack: None) -> None:
    line = '{"question": "가격은?", "cache": {"key": "item:7"}, "tenant": "acme"}'
    result = CliRunner().invoke(app, ["cache", "warm", "-", "--dry-run"], input=f"{line}\n{line}\n")
    assert result.exit_code == 0
    (printed,) = result.stdout.splitlines()
    assert json.loads(printed) == json.loads(line)


def release(**fields: Any) -> Release:
    base = {"request_id": "r", "event_id": "6b1d6f1e-5e0f-5c1a-9c55-7e57e7000001", "occurred_at": DAY}
    base |= {"response_event_id": base["event_id"], "status": "answered", "answer_kind": "cached"}
    return Release.model_validate({**base, **fields})


def test_the_summary_counts_and_groups_the_reasons() -> None:
    asked = [item for item in lines("a?", "b?", "c?", "d?") if isinstance(item, WarmRequest)]
    report = WarmReport()
    report.add(asked[0], release(cache={"status": "hit_exact"}), repeated=True)
    for request in asked[1:3]:
        report.add(
            request, release(status="abstained", admission_reason="the status is abstained"), repeated=False
        )
    report.give_up(asked[3], 65)
    shown = warm_summary(report, 5).plain
    assert "5 questions: 0 answers admitted, 1 stored before, 2 not admitted" in shown
    assert "1 without a response, 1 not finished (1 by an earlier run today;" in shown
    assert "not admitted, the status is abstained: 2\n  faq:2: b?" in shown
    assert "not admitted, no response within 65 s: 1\n  faq:4: d?" in shown
    assert isinstance(report.refused[0], NotAdmitted)


def screen(requests: Sequence[Any]) -> str:
    advice = advise(requests, Rules())
    text = StringIO()
    Console(file=text, width=120).print(advice_screen(advice, sentences(advice)))
    return text.getvalue()


def test_the_report_without_traffic() -> None:
    assert "0 requests" in screen([])
    assert "choose a longer one" in screen([])


def test_each_cause_has_a_description() -> None:
    from typing import get_args

    from septet_cache.domain.findings import Cause

    assert {*CAUSES, "served"} == set(get_args(Cause))


def test_joined_requests_keep_no_passages() -> None:
    passage = Passage(
        passage_id="d1#0", document_id="d1", content_hash="h1", text="…" * 1000, start=0, end=1000, score=1.0
    )
    hit = flow(
        Outcome,
        request_id="r-1",
        ask=Ask(question="What is a deque?"),
        origin="cache",
        answer_kind="cached",
        cache=CacheInfo(status="hit_exact"),
        passages=(passage,),
    )
    kept = weakref.ref(hit)
    joined = JoinedRequests(None)
    joined.add_lookup(hit)
    assert joined.requests[hit.tenant, "r-1"].ask is hit.ask
    del hit
    gc.collect()
    assert kept() is None


def test_requests_of_evaluation_runs_are_no_traffic() -> None:
    joined = JoinedRequests(None)
    for number, evaluation in enumerate((None, EvaluationSample(run="r", case="c"))):
        ask = Ask(question="What is a deque?", evaluation=evaluation)
        joined.add_lookup(flow(Missed, request_id=f"r-{number}", ask=ask))
    assert [name for _, name in joined.requests] == ["r-0"]
