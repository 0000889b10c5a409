"""A plan says which life gets which fault, and every fault of a plan is one that the saboteur has."""

from __future__ import annotations

import random
import signal

import pytest

from . import saboteur
from .rows.failpoints import STEP, SWEEP, WITH_OUTBOX, _plan
from .saboteur import FAILPOINTS, Strike, build_in


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Strike]:
    """The strikes that are built in, and none of them built in for real."""
    strikes: list[Strike] = []
    monkeypatch.setattr(saboteur, "FAULTS", dict.fromkeys(FAILPOINTS, strikes.append))
    return strikes


def test_each_life_has_its_own_fault(built: list[Strike]) -> None:
    plan = "before_effect,after_effect:3,before_commit:2:stop"
    for life in range(3):
        build_in(plan, life)
    assert built == [
        Strike("before_effect", 1),
        Strike("after_effect", 3),
        Strike("before_commit", 2, signal.SIGSTOP),
    ]


@pytest.mark.parametrize("life", [-1, 1])
def test_a_life_outside_of_the_plan_is_unharmed(built: list[Strike], life: int) -> None:
    build_in("before_effect", life)
    assert built == []


def test_an_unknown_fault_is_an_error() -> None:
    with pytest.raises(KeyError):
        build_in("nowhere", 0)


@pytest.mark.parametrize("service", ["guardrails", "eval"])
def test_a_plan_has_each_boundary_as_often_as_wanted(service: str) -> None:
    points = [entry.split(":")[0] for entry in _plan(service, 20, random.Random(1))]
    wanted = {*STEP, *(SWEEP if service in WITH_OUTBOX else ())}
    assert set(points) == wanted <= set(FAILPOINTS)
    assert {points.count(point) for point in wanted} == {20}


def test_a_death_in_the_sweeper_follows_one_that_leaves_a_row() -> None:
    points = [entry.split(":")[0] for entry in _plan("eval", 5, random.Random(1))]
    before = {points[i - 1] for i, point in enumerate(points) if point == "in_sweeper"}
    assert before == {"after_effect"}


def test_a_strike_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr("os.kill", lambda _pid, number: sent.append(number))
    strike = Strike("before_effect", 3)
    for _ in range(4):
        strike()
    assert sent == [signal.SIGKILL]
