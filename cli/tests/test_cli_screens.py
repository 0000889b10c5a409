"""Terminal output: responses, waterfalls, partial text and the status screen."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console, RenderableType
from rich.text import Text
from septet_cli.commands.ask import exit_code
from septet_cli.console import SafeConsole
from septet_cli.live import TokenText
from septet_cli.render import DECISION_STYLE, STATUS_STYLE, response_panel, trace_page
from septet_cli.screen import status_screen
from septet_cli.waterfall import forest, render
from septet_contracts import (
    CacheCheck,
    CacheInfo,
    CitedSpan,
    ErrorInfo,
    Response,
    Score,
    Source,
    StageTiming,
    Verdict,
    event_id,
)
from septet_native.processes.process_state import ProcessState
from septet_native.stack.addresses import Addresses


def rendered(what: RenderableType, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(what)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def response(**fields: Any) -> Response:
    base = {
        "request_id": "r-1",
        "event_id": event_id("default", "r-1", "response"),
        "occurred_at": datetime.now(UTC),
        "status": "answered",
        "answer": "큐는 양쪽이 열려 있다 [1].",
        "answer_kind": "generated",
    }
    return Response(**(base | fields))


def test_a_response_is_shown_with_all_its_parts() -> None:
    text = rendered(
        response_panel(
            response(
                sources=[
                    Source(
                        number=1,
                        passage_id="p",
                        document_id="d",
                        title="Deque",
                        location="Deque",
                        passage="long " * 99,
                        cited=True,
                    )
                ],
                verdicts=[Verdict(rail="pii", stage="input", decision="mask", reason="an e-mail [address]")],
                scores=[Score(name="groundedness", value=0.87)],
                cache=CacheInfo(
                    status="hit_semantic",
                    similarity=0.93,
                    matched_question="What is a deque?",
                    reason="all checks passed",
                    checks=[
                        CacheCheck(name="numbers", passed=True),
                        CacheCheck(name="negation", passed=False, detail="not"),
                    ],
                ),
                timings=[StageTiming(stage="retrieval", queue_ms=1, work_ms=41)],
                total_ms=812,
                trace_id="a" * 32,
                degraded=["retrieval.dense"],
            ),
            page="http://127.0.0.1:1/trace/x",
            question="덱이란?",
        )
    )
    for part in (
        "덱이란?",
        "큐는 양쪽이",
        "[1]",
        "Deque",
        "…",
        "pii mask",
        "an e-mail [address]",
        "groundedness 0.87",
        "hit_semantic",
        "0.930",
        "What is a deque?",
        "✓ numbers",
        "✗ negation not",
        "retrieval 41",
        "in all 812",
        "a" * 32,
        "retrieval.dense",
    ):
        assert part in text, part
    assert "Deque › Deque" not in text


def test_a_failure_shows_the_fix() -> None:
    error = ErrorInfo(code="empty_question", message="the question is empty", fix="say something")
    text = rendered(response_panel(response(status="failed", answer=None, answer_kind="none", error=error)))
    assert "empty_question: the question is empty" in text
    assert "fix: say something" in text


def test_trace_urls_equal_those_of_jaeger() -> None:
    assert trace_page("http://h:1/", "ab") == "http://h:1/trace/ab"
    assert trace_page(None, "ab") is None


def span(name: str, parent: str | None, start: int, duration: int, **fields: Any) -> dict[str, Any]:
    references = [{"refType": "CHILD_OF", "spanID": parent}] if parent else []
    return {
        "spanID": name,
        "processID": "p1",
        "operationName": name,
        "references": references,
        "startTime": start,
        "duration": duration,
        "tags": [],
        "logs": [],
        **fields,
    }


def trace(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"spans": list(spans), "processes": {"p1": {"serviceName": "septet-cache"}}}


def test_spans_are_nested_in_order_of_their_start() -> None:
    roots = forest(
        trace(
            span("c", "root", 60, 10),
            span("root", None, 0, 100),
            span("a", "root", 10, 40),
            span("b", "a", 20, 5),
        )
    )
    assert [r.name for r in roots] == ["root"]
    assert [n.name for n in roots[0].children] == ["a", "c"]
    assert [n.name for n in roots[0].children[0].children] == ["b"]


def test_an_orphan_counts_as_a_root() -> None:
    assert [r.name for r in forest(trace(span("root", None, 0, 9), span("lost", "gone", 3, 1)))] == [
        "root",
        "lost",
    ]


def test_the_waterfall_places_bars_on_the_time_line() -> None:
    evaluation = [
        {
            "timestamp": 1,
            "fields": [
                {"key": "event", "value": "gen_ai.evaluation.result"},
                {"key": "gen_ai.evaluation.name", "value": "relevance"},
                {"key": "gen_ai.evaluation.score.value", "value": 0.5},
            ],
        }
    ]
    lines = rendered(
        render(trace(span("root", None, 0, 1000), span("late", "root", 500, 500, logs=evaluation)), width=20)
    ).splitlines()
    assert "2 spans · 1 services · 1 root" in lines[0]
    assert lines[1].count("█") == 20
    assert lines[2].count("█") == 10
    assert lines[2].index("█") == lines[1].index("█") + 10
    assert "relevance 0.50" in lines[3]


def released(epoch: int, start: int, text: str) -> dict[str, Any]:
    return {"epoch": epoch, "start": start, "text": text}


def test_released_text_is_joined_and_a_new_draft_replaces_it() -> None:
    text = TokenText()
    assert text.add(released(1, 0, "A ")) == "A "
    assert text.add(released(1, 4, "c")) == "A "
    assert text.add(released(1, 2, "b ")) == "A b "
    assert text.add(released(1, 2, "b ")) == "A b "
    assert text.add(released(1, 0, "A b c")) == "A b c"
    assert text.add(released(2, 0, "new")) == "new"
    assert text.add(released(1, 5, "late")) == "new"


def test_the_status_screen_lists_processes_and_addresses() -> None:
    addresses = Addresses(
        "127.0.0.1:9092", "postgresql://x:secret@h/septet", "e", "l", "o", "http://t", "/data"
    )
    processes = [
        ProcessState("kafka", "server", 7, "ready", 9092, "/data/logs/kafka.log", 150.2),
        ProcessState("cache", "service", None, "restarting", 4444, "/data/logs/cache.log", 0, 2),
    ]
    text = rendered(status_screen(processes, addresses, 3671))
    for part in ("1/2 ready", "1:01:11", "kafka", "150 MB", "restarting", "logs/cache.log", "http://t"):
        assert part in text, part
    assert "secret" not in text


def test_a_contained_question_is_shown_unlike_a_block() -> None:
    contained = Verdict(rail="injection", stage="input", decision="contain", score=0.7, reason="classifier")
    assert "injection contain 0.70 (classifier)" in rendered(response_panel(response(verdicts=[contained])))
    assert DECISION_STYLE["contain"] != DECISION_STYLE["block"]


def test_an_unknown_status_is_shown_as_a_failure() -> None:
    unknown = Verdict(rail="new", stage="output", decision="quarantine")
    panel = response_panel(
        response(
            status="deferred",
            verdicts=[unknown],
            cache=CacheInfo(status="hit_federated"),
            answer_kind="spoken",
        )
    )
    assert panel.border_style == STATUS_STYLE["failed"]
    text = rendered(panel)
    assert all(part in text for part in ("deferred · spoken", "new quarantine", "hit_federated"))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("answered", 0),
        ("abstained", 3),
        ("refused", 3),
        ("blocked", 3),
        ("failed", 1),
        ("expired", 1),
        ("cancelled", 1),
        ("deferred", 1),
    ],
)
def test_the_exit_code_follows_the_status(status: str, code: int) -> None:
    assert exit_code(status) == code


def test_a_source_shows_its_cited_text() -> None:
    spans = [CitedSpan(start=7, end=18, kind="quoted")]
    source = Source(
        number=1, passage_id="p", document_id="d", passage="before cited words after", cited=True, spans=spans
    )
    text = rendered(response_panel(response(sources=[source])))
    assert "cited words" in text
    assert "before" not in text


def test_a_text_does_not_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b]0;title\x07\x1b[2J 가\x9b31m\tend\r\n"
    for shown in (Text(hostile), hostile):
        SafeConsole(force_terminal=True, width=200, color_system="truecolor").print(
            shown, style="red", markup=False, highlight=False
        )
        printed = capsys.readouterr().out
        assert printed.startswith("\x1b[31m]0;title[2J 가31m")
        assert not set("\x07\r\x9b") & set(printed)
        assert "\x1b]" not in printed
        assert "\x1b[2J" not in printed
