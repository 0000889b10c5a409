"""Shadows without a stack: the share, the intake and its drops, and the looks of the gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from septet_cli.evaluation.store import RunStore
from septet_cli.replay.candidate import parse_candidate
from septet_cli.replay.logged import LoggedRequest
from septet_cli.replay.runner import sample_of
from septet_cli.replay.selection import parse_selection
from septet_cli.replay.session import replay_settings
from septet_cli.shadow.intake import Bounds, Intake
from septet_cli.shadow.window import Plan, Window
from septet_contracts import EvaluationSample, Grounded, Request, Response, Score
from septet_kit.testing import flow

from tests.support.responses import respond

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANSWERED = parse_selection([])


def event(n: int, **fields: Any) -> Grounded:
    return flow(Grounded, request_id=f"r-{n}", deadline=NOW + timedelta(minutes=1), **fields)


def response(n: int, **fields: Any) -> Response:
    return respond(Request(request_id=f"r-{n}", question="What is a deque?"), **fields)


def intake(**bounds: int) -> Intake:
    return Intake(1.0, ANSWERED, Bounds(**bounds), lambda: NOW)


def queued(of: Intake) -> list[str]:
    return [of.queue.get_nowait().event.request_id for _ in range(of.queue.qsize())]


@pytest.mark.parametrize("response_first", [False, True])
def test_an_event_is_mirrored_once_its_response_is_there(response_first: bool) -> None:
    of = intake()
    steps = [lambda: of.add_event(event(1)), lambda: of.add_response(response(1))]
    for step in reversed(steps) if response_first else steps:
        assert of.queue.empty()
        step()
    of.add_response(response(1))
    assert queued(of) == ["r-1"]
    assert of.mirrored == 1


def test_what_is_no_traffic_or_does_not_match_is_not_mirrored() -> None:
    of = intake()
    sample = EvaluationSample(run="run", case="case")
    marked = event(1).model_copy(update={"ask": event(1).ask.model_copy(update={"evaluation": sample})})
    of.add_event(marked)
    of.add_response(response(1).model_copy(update={"evaluation": sample}))
    of.add_event(event(2))
    of.add_response(response(2, status="blocked"))
    assert queued(of) == []
    assert (of.seen, sum(of.dropped.values())) == (1, 0)


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    of = intake(queue=2)
    for n in range(5):
        of.add_event(event(n))
        of.add_response(response(n))
    assert queued(of) == ["r-0", "r-1"]
    assert dict(of.dropped) == {"late": 0, "queue_full": 3}


def test_nothing_is_mirrored_while_live_services_are_behind() -> None:
    of = intake(lag=10)
    of.lag = 11
    of.add_event(event(1))
    of.add_response(response(1))
    of.lag = 10
    of.add_event(event(2))
    of.add_response(response(2))
    assert queued(of) == ["r-2"]
    assert of.dropped["lag"] == 1


def test_requests_that_wait_for_a_response_are_bounded_and_expire() -> None:
    now = [NOW]
    of = Intake(1.0, ANSWERED, Bounds(waiting=3), lambda: now[0])
    for n in range(5):
        of.add_event(event(n))
    assert of.dropped["late"] == 2
    now[0] += timedelta(minutes=2)
    of.expire()
    assert of.dropped["late"] == 5
    of.add_response(response(4))
    assert queued(of) == []


@pytest.mark.parametrize(
    ("plan", "looks"),
    [(Plan(40, 10), [10, 20, 30, 40]), (Plan(45, 20), [20, 40, 45]), (Plan(10, 10), [10])],
)
def test_the_gate_looks_at_planned_times(plan: Plan, looks: list[int]) -> None:
    assert [n for n in range(1, plan.cases + 1) if plan.is_look(n)] == looks
    assert plan.fractions(plan.cases) == [n / plan.cases for n in looks]


def test_a_look_right_after_another_one_replaces_it() -> None:
    assert Plan(400, 50).fractions(52) == [50 / 400]
    assert Plan(400, 50).fractions(60) == [50 / 400, 60 / 400]


def window(folder: Path, plan: Plan) -> Window:
    settings = replay_settings("groundedness", [], 0.1)
    return Window(RunStore(folder), "replay", settings, plan, parse_candidate(["model=next"]))


def scored(n: int, value: float) -> Response:
    return response(n, scores=(Score(name="groundedness", value=value, scorer="rules"),))


async def test_a_worse_candidate_fails_at_an_early_look(tmp_path: Path) -> None:
    of = window(tmp_path, Plan(100, 20))
    look = None
    for n in range(20):
        logged = LoggedRequest(scored(n, 0.9), event(n))
        if of.add(
            logged, sample_of("default/" + logged.event.request_id, f"x-{n}", scored(n, 0.2 + n % 3 / 100))
        ):
            look = await of.look()
    assert look is not None
    assert (look.compared, look.result.verdict) == (20, "FAIL")
    assert look.runs.candidate.info().overrides == {"model": "next"}
    assert len(look.runs.baseline.samples()) == len(look.runs.candidate.samples()) == 20


async def test_an_equal_candidate_passes_at_the_last_look_and_not_before(tmp_path: Path) -> None:
    of, verdicts = window(tmp_path, Plan(100, 25)), []
    for n in range(100):
        logged = LoggedRequest(scored(n, 0.8 + n % 5 / 50), event(n))
        sample = sample_of(
            "default/" + logged.event.request_id, f"x-{n}", scored(n, 0.8 + (n + n // 5) % 5 / 50)
        )
        if of.add(logged, sample):
            verdicts.append((await of.look()).result.verdict)
    assert len(verdicts) == 4
    assert "FAIL" not in verdicts
    assert verdicts[-1] == "PASS"
    assert of.is_full
