"""Invariants of gates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from septet_experiments.gates import GateRule, Pairs, decide
from septet_experiments.gates.exact import sign_flip

RULE = GateRule(metric="score", margin=0.05, span=1.0)
VALUES = st.sampled_from([0.0, 0.25, 0.5, 1.0])
BINARY = st.sampled_from([0.0, 1.0])


@st.composite
def pairs(draw: st.DrawFn) -> Pairs:
    values = draw(st.sampled_from([VALUES, BINARY]))
    n = draw(st.integers(2, 60))
    many = st.lists(values, min_size=n, max_size=n)
    old = draw(many)
    # Most candidates change few cases, so that exact methods and the t distribution are both drawn.
    new = draw(many) if draw(st.booleans()) else [*draw(many)[: n // 8], *old[n // 8 :]]
    clusters = (
        draw(st.lists(st.integers(0, n // 2), min_size=n, max_size=n)) if draw(st.booleans()) else range(n)
    )
    return _pairs(old, new, list(clusters))


def _pairs(old: object, new: object, clusters: object, **more: bool) -> Pairs:
    baseline = np.array(old, dtype=float)
    return Pairs(
        "score",
        tuple(map(str, range(baseline.size))),
        np.array(clusters),
        baseline,
        np.array(new, dtype=float),
        **more,
    )


def _bounds(found: Pairs) -> tuple[float, float, float] | None:
    decision = decide(found, RULE)
    if decision.lower is None or decision.upper is None or decision.difference is None:
        return None
    return decision.difference, decision.lower, decision.upper


@given(pairs())
@settings(deadline=None)
def test_exchanging_the_runs_mirrors_the_bounds(found: Pairs) -> None:
    swapped = _pairs(found.candidate, found.baseline, found.clusters)
    here, there = _bounds(found), _bounds(swapped)
    if here is None:
        assert there is None
    else:
        assert there == pytest.approx((-here[0], -here[2], -here[1]), abs=1e-12)


@given(pairs())
@settings(deadline=None)
def test_lower_is_better_equals_exchanged_runs(found: Pairs) -> None:
    turned = _pairs(found.baseline, found.candidate, found.clusters, higher_is_better=False)
    assert _bounds(turned) == _bounds(_pairs(found.candidate, found.baseline, found.clusters))


@given(pairs(), st.sampled_from([-8.0, -0.5, 2.0, 1024.0]))
@settings(deadline=None)
def test_a_constant_added_to_both_runs_changes_nothing(found: Pairs, constant: float) -> None:
    if found.is_binary:
        return
    moved = _pairs(found.baseline + constant, found.candidate + constant, found.clusters)
    assert _bounds(moved) == _bounds(found)


@given(pairs(), st.sampled_from([-0.75, 0.5]))
@settings(deadline=None)
def test_a_constant_added_to_the_candidate_moves_the_bounds_of_the_t_distribution(
    found: Pairs, constant: float
) -> None:
    moved = _pairs(found.baseline, found.candidate + constant, found.clusters)
    if decide(found, RULE).method == decide(moved, RULE).method == "t":
        here, there = _bounds(found), _bounds(moved)
        assert here is not None
        assert there == pytest.approx(tuple(value + constant for value in here), abs=1e-12)


@given(pairs(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_cases_changes_nothing(found: Pairs, random: object) -> None:
    order = list(range(found.n))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = _pairs(found.baseline[order], found.candidate[order], found.clusters[order])
    here, there = decide(found, RULE), decide(shuffled, RULE)
    assert there.verdict == here.verdict
    assert _bounds(shuffled) == (None if _bounds(found) is None else pytest.approx(_bounds(found), abs=1e-12))


@given(pairs())
@settings(deadline=None)
def test_bounds_enclose_the_difference_and_agree_with_the_verdict(found: Pairs) -> None:
    decision = decide(found, RULE)
    if decision.lower is None or decision.upper is None or decision.difference is None:
        assert decision.verdict == "INCONCLUSIVE"
        return
    assert decision.lower <= decision.difference <= decision.upper
    assert decision.p_worse is not None
    assert (decision.verdict == "FAIL") is (decision.p_worse < RULE.alpha)
    assert decision.upper <= 0 if decision.verdict == "FAIL" else decision.upper >= 0
    assert decision.verdict != "PASS" or decision.lower > -RULE.margin


@given(pairs())
@settings(deadline=None)
def test_a_smaller_alpha_widens_the_bounds(found: Pairs) -> None:
    wide = decide(found, RULE.model_copy(update={"alpha": 0.01}))
    usual = decide(found, RULE)
    if None not in (wide.lower, wide.upper, usual.lower, usual.upper):
        assert wide.lower <= usual.lower + 1e-12
        assert wide.upper >= usual.upper - 1e-12


@given(pairs())
@settings(deadline=None)
def test_copies_of_all_cases_in_their_clusters_add_no_evidence(found: Pairs) -> None:
    doubled = _pairs(*(np.tile(part, 2) for part in (found.baseline, found.candidate, found.clusters)))
    here, there = decide(found, RULE), decide(doubled, RULE)
    if "mcnemar" not in (here.method, there.method):
        assert _bounds(doubled) == (
            None if _bounds(found) is None else pytest.approx(_bounds(found), abs=1e-12)
        )


@given(st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0]), min_size=1, max_size=9))
@settings(deadline=None)
def test_sign_flips_that_are_enumerated_by_hand_give_the_same_p_value(sums: list[float]) -> None:
    found = sign_flip(np.array(sums))
    patterns = np.array(np.meshgrid(*[[-1, 1]] * len(sums))).reshape(len(sums), -1)
    totals = np.abs(np.array(sums)) @ patterns
    expected = ((totals <= sum(sums) + 1e-9).mean(), (totals >= sum(sums) - 1e-9).mean())
    assert found == pytest.approx(expected)
