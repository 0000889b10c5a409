"""Gates of two groups without common cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from septet_experiments.errors import NotComparable
from septet_experiments.gates import Counts, GateRule, Group, compare

RULE = GateRule(metric="score", margin=0.05)


def _group(values: Sequence[float], name: str, turns: int = 1, **more: Counts) -> Group:
    clusters = np.array([f"{name}{i // turns}" for i in range(len(values))], dtype=np.str_)
    return Group(np.array(values, dtype=float), clusters, **more)


def _answers(right: int, n: int, name: str, turns: int = 1) -> Group:
    return _group([1.0] * right + [0.0] * (n - right), name, turns)


def test_the_three_verdicts() -> None:
    baseline = _answers(400, 500, "b")
    found = {right: compare(baseline, _answers(right, 250, "c"), RULE) for right in (210, 195, 170)}
    assert [d.verdict for d in found.values()] == ["PASS", "INCONCLUSIVE", "FAIL"]
    assert found[170].difference == pytest.approx(-0.12)
    assert (found[170].method, found[170].n, found[170].clusters) == ("t", 750, 750)
    assert found[195].cases_needed is not None
    assert found[195].cases_needed > 750


def test_lower_is_better_turns_the_sign() -> None:
    baseline, candidate = _answers(200, 1000, "b"), _answers(300, 1000, "c")
    assert compare(baseline, candidate, RULE, higher_is_better=False).verdict == "FAIL"
    assert compare(baseline, candidate, RULE).verdict == "PASS"


def test_clusters_widen_the_bounds() -> None:
    single = compare(_answers(1600, 2000, "b"), _answers(800, 1000, "c"), RULE)
    turns = compare(_answers(1600, 2000, "b", 10), _answers(800, 1000, "c", 10), RULE)
    assert (single.verdict, turns.verdict) == ("PASS", "INCONCLUSIVE")
    assert turns.clusters == 300


def test_rare_values_get_exact_bounds() -> None:
    baseline = _answers(500, 500, "b")
    few, many = (compare(baseline, _answers(60 - wrong, 60, "c"), RULE) for wrong in (1, 8))
    assert (few.method, few.verdict, many.verdict) == ("shares", "INCONCLUSIVE", "FAIL")
    assert compare(baseline, _answers(60, 60, "c"), RULE).verdict == "PASS"


def test_the_p_value_of_shares_agrees_with_their_bound() -> None:
    for wrong in range(1, 9):
        decision = compare(_answers(499, 500, "b"), _answers(100 - wrong, 100, "c"), RULE)
        assert decision.p_worse is not None
        rule = RULE.model_copy(update={"alpha": min(decision.p_worse * 1.001, 0.49)})
        assert compare(_answers(499, 500, "b"), _answers(100 - wrong, 100, "c"), rule).verdict == "FAIL"
        rule = RULE.model_copy(update={"alpha": decision.p_worse * 0.999})
        if decision.p_worse < 0.49:
            assert compare(_answers(499, 500, "b"), _answers(100 - wrong, 100, "c"), rule).verdict != "FAIL"


def test_equal_values_of_an_unbounded_metric_have_no_bounds() -> None:
    decision = compare(_group([1200.0] * 50, "b"), _group([1200.0] * 50, "c"), RULE)
    assert (decision.verdict, decision.lower, decision.mde) == ("INCONCLUSIVE", None, None)


def test_exchanged_groups_mirror_the_bounds() -> None:
    rng = np.random.default_rng(3)
    for shares in ((0.8, 0.7), (1.0, 0.97), (1.0, 1.0)):
        one, two = (
            _group(list((rng.random(size) < p).astype(float)), name, 5)
            for p, size, name in zip(shares, (300, 200), "bc", strict=True)
        )
        here, there = compare(one, two, RULE), compare(two, one, RULE)
        assert here.lower is not None
        assert there.lower is not None
        assert (there.lower, there.upper) == (pytest.approx(-(here.upper or 0)), pytest.approx(-here.lower))


def test_common_clusters_are_refused() -> None:
    with pytest.raises(NotComparable, match="cluster b0 belongs to both groups"):
        compare(_answers(5, 10, "b"), _answers(5, 10, "b"), RULE)


@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_group_and_a_single_cluster_are_inconclusive(size: int) -> None:
    decision = compare(_answers(5, 10, "b"), _answers(size, size, "c"), RULE)
    assert (decision.verdict, decision.complete, decision.lower) == ("INCONCLUSIVE", False, None)
    assert decision.reason == "a group has fewer than two clusters, so its variation is unknown"


def test_errors_and_a_fixed_number_of_values() -> None:
    counts = Counts(draws=1030, errors=30)
    broken = Group(np.ones(1000), np.arange(1000), counts)
    decision = compare(
        _answers(1900, 2000, "b"),
        Group(broken.values, np.array([f"c{i}" for i in range(1000)]), counts),
        RULE,
    )
    assert (decision.verdict, decision.complete) == ("INCONCLUSIVE", False)
    assert "30 of 1030 draws of the candidate" in decision.reason
    fixed = RULE.model_copy(update={"cases": 4000})
    assert (
        "3000 of the 4000 cases" in compare(_answers(1600, 2000, "b"), _answers(800, 1000, "c"), fixed).reason
    )


def test_invalid_groups_are_refused() -> None:
    with pytest.raises(NotComparable):
        _group([math.nan], "b")
    with pytest.raises(ValueError, match="1 values have 2 clusters"):
        Group(np.zeros(1), np.zeros(2))
