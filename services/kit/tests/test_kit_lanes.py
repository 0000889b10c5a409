"""Key lanes: serial per key, parallel across keys, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_kit.messaging.lanes import Lanes


def test_same_key_waits_its_turn() -> None:
    lanes: Lanes[int] = Lanes(limit=8)
    assert lanes.push("a", 1) == [1]
    assert lanes.push("a", 2) == []
    assert lanes.push("b", 3) == [3]
    assert lanes.done("a") == [2]


def test_limit_holds_other_keys_back_until_one_is_done() -> None:
    lanes: Lanes[int] = Lanes(limit=1)
    assert lanes.push("a", 1) == [1]
    assert lanes.push("b", 2) == []
    assert lanes.done("a") == [2]
    assert lanes.depth == 1


def test_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="limit"):
        Lanes(limit=0)


@given(
    keys=st.lists(st.integers(0, 4), max_size=60),
    limit=st.integers(1, 5),
    picks=st.lists(st.integers(0, 10_000), max_size=200),
)
def test_invariants_hold_for_any_order(keys: list[int], limit: int, picks: list[int]) -> None:
    lanes: Lanes[tuple[int, int]] = Lanes(limit)
    running: list[tuple[int, int]] = []
    finished: dict[int, list[int]] = {}

    def check() -> None:
        assert len(running) <= limit
        assert len({key for key, _ in running}) == len(running)

    def finish(pick: int) -> None:
        key, number = running.pop(pick % len(running))
        finished.setdefault(key, []).append(number)
        running.extend(lanes.done(key))
        check()

    for number, key in enumerate(keys):
        running.extend(lanes.push(key, (key, number)))
        check()
        if picks and running and picks[-1] % 2:
            finish(picks.pop())
    while running:
        finish(picks.pop() if picks else 0)
    assert lanes.depth == 0
    for key, numbers in finished.items():
        assert numbers == [n for n, k in enumerate(keys) if k == key]
