"""The checker reports each kind of broken promise, and nothing on a run that keeps them all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .checker import Run, Seen, Sent, Violations, check


def _good() -> Run:
    sent = [Sent(f"r{i}", "default", f"c{i % 2}", i // 2) for i in range(6)]
    seen = [Seen(s.request_id, "default", "answered", i % 2, i) for i, s in enumerate(sent)]
    released = {s.request_id: "answered" for s in sent}
    return Run(sent, seen, released, events=[f"event-of-{s.request_id}" for s in sent])


def test_a_run_that_keeps_every_promise_has_no_violation() -> None:
    run = _good()
    assert check(run) == Violations()
    assert check(run).count == 0
    assert str(check(run)) == "none"
    assert run.statuses == {"answered": 6}


def _drop(run: Run) -> None:
    run.seen = run.seen[:-1]


def _double(run: Run) -> None:
    run.seen = [*run.seen, Seen("r0", "default", "answered", 0, 99)]


def _foreign(run: Run) -> None:
    run.seen = [Seen("r0", "acme", "answered", 0, 0), *run.seen[1:]]


def _swap(run: Run) -> None:
    late = {"r0": 4, "r4": 0}
    run.seen = [
        Seen(s.request_id, s.tenant, s.status, s.partition, late.get(s.request_id, s.offset))
        for s in run.seen
    ]


def _pending(run: Run) -> None:
    run.seen = [Seen("r0", "default", "pending", 0, 0), *run.seen[1:]]


def _forgotten(run: Run) -> None:
    run.released = {i: s for i, s in (run.released or {}).items() if i != "r3"}


def _other_status(run: Run) -> None:
    run.released = {**(run.released or {}), "r3": "expired"}


def _made_up(run: Run) -> None:
    run.seen = [*run.seen, Seen("r9", "default", "answered", 0, 99)]
    run.released = {**(run.released or {}), "r9": "answered"}


def _repeat(run: Run) -> None:
    run.events = [*run.events, "event-of-r2"]


@pytest.mark.parametrize(
    ("harm", "kind", "request_id"),
    [
        (_drop, "lost", "r5"),
        (_double, "duplicated", "r0"),
        (_foreign, "foreign", "r0"),
        (_swap, "disordered", "r2"),
        (_pending, "unfinished", "r0"),
        (_forgotten, "disagreeing", "r3"),
        (_other_status, "disagreeing", "r3"),
        (_made_up, "invented", "r9"),
        (_repeat, "repeated", "event-of-r2"),
    ],
)
def test_each_kind_of_harm_is_reported(harm: Callable[[Run], None], kind: str, request_id: str) -> None:
    run = _good()
    harm(run)
    found = check(run)
    assert request_id in getattr(found, kind)
    assert kind in str(found)


def test_a_conversation_over_two_partitions_is_disordered() -> None:
    sent = [Sent("a", "default", "c", 0), Sent("b", "default", "c", 1)]
    seen = [Seen("a", "default", "answered", 0, 1), Seen("b", "default", "answered", 1, 5)]
    assert check(Run(sent, seen)).disordered == ("b",)


def test_responses_that_may_overtake_are_not_held_to_an_order() -> None:
    run = _good()
    _swap(run)
    run.ordered = False
    assert check(run).disordered == ()


def test_what_a_deadline_has_made_is_in_the_order_unless_a_row_sets_it_apart() -> None:
    sent = [Sent(i, "default", "c", n) for n, i in enumerate("abc")]
    late = Seen("a", "default", "expired", 0, 9, code="deadline_exceeded")
    answers = [Seen("b", "default", "answered", 0, 1), Seen("c", "default", "answered", 0, 2)]
    run = Run(sent, [*answers, late])
    assert check(run).disordered == ("b",)
    run.deadlines_apart = True
    assert check(run).disordered == ()
    swapped = [Seen("c", "default", "answered", 0, 1), Seen("b", "default", "answered", 0, 2)]
    assert check(Run(sent, [*swapped, late], deadlines_apart=True)).disordered == ("c",)
