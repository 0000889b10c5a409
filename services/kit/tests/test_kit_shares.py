"""Shares of conversations."""

from __future__ import annotations

import pytest
from septet_kit.shares import is_selected


def test_a_conversation_is_on_one_side_and_a_larger_share_keeps_the_smaller_one() -> None:
    names = [f"c-{n}" for n in range(4000)]
    chosen = {share: {c for c in names if is_selected(share, "t", c, "r")} for share in (0.0, 0.1, 0.3, 1.0)}
    assert chosen[0.0] == set()
    assert chosen[0.0] <= chosen[0.1] <= chosen[0.3] <= chosen[1.0] == set(names)
    assert len(chosen[0.1]) == pytest.approx(400, abs=80)
    assert is_selected(0.1, "t", "c-0", "r-1") == is_selected(0.1, "t", "c-0", "r-2")
    assert {is_selected(0.5, tenant, "c", "r") for tenant in map(str, range(20))} == {True, False}


def test_shares_with_different_salts_are_independent() -> None:
    names = [f"c-{n}" for n in range(4000)]
    one, other = ({c for c in names if is_selected(0.5, "t", c, "r", salt)} for salt in ("a", "b"))
    assert len(one & other) == pytest.approx(1000, abs=150)


def test_a_request_without_a_conversation_counts_for_itself() -> None:
    assert {is_selected(0.5, "t", None, f"r-{n}") for n in range(20)} == {True, False}
    assert {is_selected(0.5, "t", "c", f"r-{n}") for n in range(20)} in ({True}, {False})
