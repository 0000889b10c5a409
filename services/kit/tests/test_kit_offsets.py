"""Contiguous commits: never past an unfinished record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_kit.messaging.offsets import OffsetTracker


def test_commit_waits_for_the_lowest() -> None:
    tracker = OffsetTracker()
    for offset in (10, 11, 12):
        tracker.begin(offset)
    tracker.finish(12)
    tracker.finish(11)
    assert tracker.committable() == 10
    tracker.finish(10)
    assert tracker.committable() == 13


def test_nothing_to_commit_before_the_first_record_and_after_the_last_commit() -> None:
    tracker = OffsetTracker()
    assert tracker.committable() is None
    tracker.begin(5)
    tracker.finish(5)
    tracker.committed(6)
    assert tracker.committable() is None


def test_an_offset_finishes_once() -> None:
    tracker = OffsetTracker()
    tracker.begin(1)
    tracker.finish(1)
    with pytest.raises(ValueError, match="not in flight"):
        tracker.finish(1)


@given(st.permutations(range(12)), st.lists(st.integers(1, 3), min_size=12, max_size=12))
def test_never_past_an_unfinished_record(order: list[int], gaps: list[int]) -> None:
    offsets = [sum(gaps[: i + 1]) for i in range(12)]
    tracker = OffsetTracker()
    for offset in offsets:
        tracker.begin(offset)
    open_offsets = set(offsets)
    for index in order:
        tracker.finish(offsets[index])
        open_offsets.discard(offsets[index])
        expected = min(open_offsets) if open_offsets else offsets[-1] + 1
        assert tracker.committable() == expected
        assert tracker.in_flight == len(open_offsets)
