"""Verdicts, limits and edge cases of paired gates."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import binom
from septet_experiments.errors import NotComparable
from septet_experiments.gates import Counts, Decision, GateRule, decide, decide_all
from septet_experiments.gates.rule import GateResult

from .conftest import MakePairs

RULE = GateRule(metric="score", margin=0.03)


def _binary(better: int, worse: int, n: int) -> tuple[list[float], list[float]]:
    """Values of a baseline and a candidate with so many discordant pairs."""
    same = n - better - worse
    return [0.0] * better + [1.0] * worse + [1.0] * same, [1.0] * better + [0.0] * worse + [1.0] * same


def test_pass_fail_and_inconclusive(make_pairs: MakePairs) -> None:
    found = {worse: decide(make_pairs(*_binary(20, worse, 400)), RULE) for worse in (20, 30, 40)}
    assert [(d.verdict, d.exit_code) for d in found.values()] == [
        ("PASS", 0),
        ("INCONCLUSIVE", 2),
        ("FAIL", 1),
    ]
    assert found[40].reason.startswith("score is worse: the difference is −0.05, its upper bound −0.01")
    assert found[20].reason == "the lower bound of the difference of score, −0.0261, is above −0.03"
    assert "about 860 cases decide" in found[30].reason
    assert "n = 400" in found[30].reason


def test_a_certain_loss_below_the_margin_fails(make_pairs: MakePairs) -> None:
    decision = decide(make_pairs([1.0] * 1000, [0.99, 0.98] * 500), RULE)
    assert (decision.verdict, decision.difference) == ("FAIL", pytest.approx(-0.015))
    assert decision.lower is not None
    assert decision.lower > -0.03


@pytest.mark.parametrize(("worse", "verdict"), [(4, "INCONCLUSIVE"), (5, "FAIL")])
def test_few_discordant_pairs_get_mcnemars_test(worse: int, verdict: str, make_pairs: MakePairs) -> None:
    decision = decide(make_pairs(*_binary(0, worse, 100)), RULE)
    assert (decision.method, decision.verdict, decision.p_worse) == ("mcnemar", verdict, 0.5**worse)
    assert decision.upper is not None
    assert (decision.upper >= 0) is (verdict != "FAIL")


def test_from_25_discordant_pairs_on_the_t_distribution_decides(make_pairs: MakePairs) -> None:
    assert decide(make_pairs(*_binary(12, 12, 400)), RULE).method == "mcnemar"
    assert decide(make_pairs(*_binary(13, 12, 400)), RULE).method == "t"


@pytest.mark.parametrize(("n", "verdict"), [(98, "INCONCLUSIVE"), (99, "PASS")])
def test_equal_values_pass_when_the_margin_exceeds_what_was_seen(
    n: int, verdict: str, make_pairs: MakePairs
) -> None:
    decision = decide(make_pairs([1.0] * n, [1.0] * n), RULE)
    assert (decision.verdict, decision.difference) == (verdict, 0.0)
    assert decision.lower == pytest.approx(-(1 - 0.05 ** (1 / n)))


def test_clusters_are_the_unit_of_equal_values(make_pairs: MakePairs) -> None:
    decision = decide(make_pairs([0.5] * 200, [0.5] * 200, [i // 5 for i in range(200)]), RULE)
    assert (decision.clusters, decision.verdict) == (40, "INCONCLUSIVE")
    assert decision.lower == pytest.approx(-(1 - 0.05 ** (1 / 40)))
    assert decision.cases_needed == pytest.approx(99 * 5, rel=0.02)


def test_few_changed_clusters_get_the_sign_flip_test(make_pairs: MakePairs) -> None:
    values = np.zeros(200)
    values[[0, 5, 10, 15]] = [-1.0, -0.5, -0.25, -0.75]
    clusters = [i // 5 for i in range(200)]
    decision = decide(make_pairs(np.zeros(200), values, clusters, higher_is_better=True), RULE)
    assert (decision.method, decision.verdict, decision.p_worse) == ("sign-flip", "INCONCLUSIVE", 0.5**4)
    values[20] = -0.1
    assert decide(make_pairs(np.zeros(200), values, clusters), RULE).verdict == "FAIL"


def test_gains_and_losses_that_cancel_in_a_cluster_are_no_change(make_pairs: MakePairs) -> None:
    old, new = [0.1, 0.2, 0.3] * 20, [0.3, 0.2, 0.1] * 20
    decision = decide(make_pairs(old, new, [i // 3 for i in range(60)]), RULE)
    assert (decision.method, decision.p_worse, decision.better, decision.worse) == ("sign-flip", 1.0, 20, 20)


def test_an_equal_loss_in_every_case_fails(make_pairs: MakePairs) -> None:
    decision = decide(make_pairs([0.5] * 20, [0.4] * 20), RULE)
    assert (decision.verdict, decision.p_worse) == ("FAIL", 0.5**20)
    assert decision.upper is not None
    assert decision.upper <= 0


def test_equal_values_of_an_unbounded_metric_need_a_span(make_pairs: MakePairs) -> None:
    pairs = make_pairs([1200.0] * 400, [1200.0] * 400, higher_is_better=False)
    rule = GateRule(metric="score", margin=100)
    decision = decide(pairs, rule)
    assert (decision.verdict, decision.lower, decision.mde) == ("INCONCLUSIVE", None, None)
    assert "set `span`" in decision.reason
    assert decide(pairs, rule.model_copy(update={"span": 10_000.0})).verdict == "PASS"


def test_a_difference_above_the_span_is_refused(make_pairs: MakePairs) -> None:
    pairs = make_pairs([0.0] * 50, [5.0] + [0.0] * 49)
    with pytest.raises(NotComparable, match="is 5, more than the span 4"):
        decide(pairs, GateRule(metric="score", margin=1, span=4.0))
    assert decide(pairs, GateRule(metric="score", margin=1, span=5.0)).verdict == "PASS"


def test_a_proven_gain_passes_with_margin_0_and_equal_values_do_not(make_pairs: MakePairs) -> None:
    rule = GateRule(metric="score", margin=0)
    assert decide(make_pairs(*_binary(60, 20, 400)), rule).verdict == "PASS"
    decision = decide(make_pairs(*_binary(20, 20, 400)), rule)
    assert (decision.verdict, decision.cases_needed) == ("INCONCLUSIVE", None)
    assert decision.reason.endswith("no number of cases shows that an unchanged candidate is better")
    assert decide(make_pairs([1.0] * 400, [1.0] * 400), rule).verdict == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("n", "clusters", "reason"),
    [
        (0, [], "there are no values to compare"),
        (1, [0], "all cases belong to one cluster, so the variation is unknown"),
        (30, [0] * 30, "all cases belong to one cluster, so the variation is unknown"),
    ],
)
def test_no_case_one_case_and_one_cluster_are_inconclusive(
    n: int, clusters: list[int], reason: str, make_pairs: MakePairs
) -> None:
    decision = decide(make_pairs([1.0] * n, [0.0] * n, clusters), RULE)
    assert (decision.verdict, decision.reason, decision.n, decision.complete) == (
        "INCONCLUSIVE",
        reason,
        n,
        False,
    )
    assert (decision.lower, decision.upper, decision.p_worse) == (None, None, None)


@pytest.mark.parametrize(("clusters", "verdict"), [(4, "INCONCLUSIVE"), (5, "FAIL")])
def test_few_clusters_of_different_sizes_get_the_sign_flip_test(
    clusters: int, verdict: str, make_pairs: MakePairs
) -> None:
    groups = np.repeat(np.arange(clusters), np.arange(1, clusters + 1))
    values = np.linspace(-0.6, -0.4, groups.size)
    decision = decide(make_pairs(np.zeros(groups.size), values, groups), RULE)
    assert (decision.method, decision.verdict, decision.p_worse) == ("sign-flip", verdict, 0.5**clusters)
    if clusters == 4:
        assert (decision.lower, decision.upper, decision.mde) == (None, None, None)
        assert "add conversations or documents" in decision.reason
    else:
        assert decision.upper == pytest.approx(values[-5:].mean())


def test_two_cases_never_fail(make_pairs: MakePairs) -> None:
    decision = decide(make_pairs([1.0, 1.0], [0.0, 0.0]), RULE)
    assert (decision.verdict, decision.mde) == ("INCONCLUSIVE", None)


@pytest.mark.parametrize(("errors", "verdict"), [(8, "PASS"), (9, "INCONCLUSIVE")])
@pytest.mark.parametrize("side", ["baseline_counts", "candidate_counts"])
def test_errors_above_the_limit_are_inconclusive(
    errors: int, verdict: str, side: str, make_pairs: MakePairs
) -> None:
    counts = Counts(draws=400, errors=errors - 1, missing=1)
    decision = decide(make_pairs(*_binary(20, 20, 400), **{side: counts}), RULE)
    assert decision.verdict == verdict
    assert decision.lower is not None
    if verdict == "INCONCLUSIVE":
        assert "9 of 400 draws" in decision.reason
        assert (decision.complete, decision.cases_needed) == (False, None)


def test_a_loss_with_too_many_errors_is_inconclusive(make_pairs: MakePairs) -> None:
    counts = Counts(draws=400, errors=40)
    assert decide(make_pairs(*_binary(0, 100, 400), candidate_counts=counts), RULE).verdict == "INCONCLUSIVE"


def test_fewer_cases_than_fixed_are_inconclusive(make_pairs: MakePairs) -> None:
    rule = GateRule(metric="score", margin=0.03, cases=401)
    decision = decide(make_pairs(*_binary(20, 20, 400)), rule)
    assert decision.reason == "400 of the 401 cases fixed beforehand were run"
    assert (decision.verdict, decision.complete) == ("INCONCLUSIVE", False)
    assert decide(make_pairs(*_binary(20, 20, 400)), rule.model_copy(update={"cases": 400})).verdict == "PASS"


@pytest.mark.parametrize(("n", "points"), [(100, 7.9), (200, 5.6), (400, 3.9), (1000, 2.5)])
def test_detectable_loss_at_ten_percent_discordance(n: int, points: float, make_pairs: MakePairs) -> None:
    decision = decide(make_pairs(*_binary(n // 20, n // 20, n)), RULE)
    assert decision.mde is not None
    assert 100 * decision.mde == pytest.approx(points, abs=0.11)


def test_detectable_loss_of_equal_values_is_that_of_the_exact_test(make_pairs: MakePairs) -> None:
    decision = decide(make_pairs([1.0] * 100, [1.0] * 100), RULE)
    assert decision.mde is not None
    assert binom.sf(4, 100, decision.mde) == pytest.approx(0.8)


def test_so_many_cases_decide(make_pairs: MakePairs) -> None:
    decision = decide(make_pairs(*_binary(20, 20, 200)), RULE)
    assert decision.verdict == "INCONCLUSIVE"
    assert decision.cases_needed == pytest.approx(((1.645 + 0.842) / 0.03) ** 2 * 0.2, rel=0.02)
    factor = decision.cases_needed / 200
    more = [round(20 * factor), round(20 * factor), round(200 * factor)]
    assert decide(make_pairs(*_binary(*more)), RULE).verdict == "PASS"


def test_a_rule_of_another_metric_and_an_invalid_rule_are_refused(make_pairs: MakePairs) -> None:
    with pytest.raises(ValueError, match="the rule is about other"):
        decide(make_pairs([0.0], [0.0]), GateRule(metric="other", margin=0.1))
    for wrong in ({"margin": -0.1}, {"alpha": 0.5}, {"alpha": 0.0}, {"margin": float("nan")}, {"span": 0.0}):
        with pytest.raises(ValidationError):
            GateRule(**{"metric": "score", "margin": 0.1, **wrong})


def test_decisions_survive_json(make_pairs: MakePairs) -> None:
    result = decide_all((make_pairs(*_binary(5, 5, 100)), RULE), [(make_pairs([1.0], [1.0]), RULE)])
    assert '"exit_code":2' in result.model_dump_json()
    assert GateResult.model_validate_json(result.model_dump_json()) == result


def test_a_secondary_metric_fails_after_holms_correction_only(make_pairs: MakePairs) -> None:
    primary = make_pairs(*_binary(20, 20, 400)), RULE
    slight, clear = make_pairs(*_binary(20, 33, 400)), make_pairs(*_binary(10, 60, 400))
    alone = decide_all(primary, [(slight, RULE)])
    assert [alone.verdict, alone.secondary[0].verdict] == ["FAIL", "FAIL"]
    assert alone.primary.verdict == "PASS"
    several = decide_all(primary, [(slight, RULE), primary, primary])
    assert [several.verdict, several.secondary[0].verdict] == ["PASS", "INCONCLUSIVE"]
    assert "after Holm's correction p = 0.1" in several.secondary[0].reason
    assert several.secondary[0].p_adjusted == pytest.approx(3 * (several.secondary[0].p_worse or 0))
    both = decide_all(primary, [(slight, RULE), (clear, RULE)])
    assert [found.verdict for found in both.secondary] == ["FAIL", "FAIL"]
    assert "Holm" in both.reason


def test_the_primary_metric_decides_and_incomplete_ones_prevent_a_pass(make_pairs: MakePairs) -> None:
    good, wide = make_pairs(*_binary(20, 20, 400)), make_pairs(*_binary(20, 20, 100))
    assert decide_all((good, RULE)).exit_code == 0
    assert decide_all((good, RULE), [(wide, RULE)]).verdict == "PASS"
    assert decide_all((wide, RULE), [(good, RULE)]).verdict == "INCONCLUSIVE"
    broken = make_pairs([], [], candidate_counts=Counts(draws=400, errors=400), cases=400)
    result = decide_all((good, RULE), [(broken, RULE)])
    assert (result.verdict, result.exit_code) == ("INCONCLUSIVE", 2)
    assert result.reason.startswith("score: 400 of 400 draws of the candidate")
    assert isinstance(result.secondary[0], Decision)
