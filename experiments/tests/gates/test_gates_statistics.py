"""Estimates, tests and corrections against statsmodels and SciPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from septet_experiments.gates import GateRule, Group, compare, decide, holm
from septet_experiments.gates.clustered import clustered_mean, sums_by_cluster
from septet_experiments.gates.exact import Share, share_bounds, sign_flip
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from .conftest import MakePairs


def _clustered(seed: int, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(clusters), rng.integers(1, 9, clusters))
    return rng.normal(0.02, 0.3, groups.size) + rng.normal(0, 0.2, clusters)[groups], groups


@pytest.mark.parametrize(("seed", "clusters"), [(1, 2), (2, 5), (3, 40), (4, 300)])
def test_bounds_and_p_value_are_those_of_statsmodels(seed: int, clusters: int, make_pairs: MakePairs) -> None:
    values, groups = _clustered(seed, clusters)
    fitted = sm.OLS(values, np.ones(values.size)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True}, use_t=True
    )
    lower, upper = fitted.conf_int(alpha=0.1)[0]
    decision = decide(make_pairs(np.zeros(values.size), values, groups), GateRule(metric="score", margin=0.1))
    assert decision.method == "t"
    assert (decision.lower, decision.upper) == (pytest.approx(lower), pytest.approx(upper))
    two_sided = fitted.pvalues[0]
    assert decision.p_worse == pytest.approx(two_sided / 2 if fitted.params[0] < 0 else 1 - two_sided / 2)
    assert clustered_mean(values, groups).df == fitted.df_resid_inference == clusters - 1


def test_single_cases_give_the_usual_t_test(make_pairs: MakePairs) -> None:
    rng = np.random.default_rng(5)
    old, new = rng.normal(size=50), rng.normal(size=50)
    decision = decide(make_pairs(old, new), GateRule(metric="score", margin=0.1))
    assert decision.p_worse == pytest.approx(stats.ttest_rel(new, old, alternative="less").pvalue)


def test_mcnemar_is_binomtest_for_all_numbers_of_few_discordant_pairs() -> None:
    for gains, losses in itertools.product(range(13), range(12)):
        p_worse, p_better = sign_flip(np.array([1.0] * gains + [-1.0] * losses + [0.0] * 3)) or (0.0, 0.0)
        if gains + losses:
            expected = [
                stats.binomtest(k, gains + losses, 0.5, alternative="less").pvalue for k in (gains, losses)
            ]
            assert [p_worse, p_better] == pytest.approx(expected)
        else:
            assert (p_worse, p_better) == (1.0, 1.0)


def test_sign_flip_is_the_permutation_test_of_scipy() -> None:
    sums = np.array([0.5, -0.25, -1.5, -0.75, 0.125, -2.0, -1.0])

    def total(values: np.ndarray, axis: int) -> np.ndarray:
        return np.sum(values, axis=axis)

    expected = [
        stats.permutation_test(
            (sums,), total, permutation_type="samples", alternative=side, n_resamples=np.inf, vectorized=True
        ).pvalue
        for side in ("less", "greater")
    ]
    assert sign_flip(sums) == pytest.approx(tuple(expected))


def test_signs_of_many_different_sums_are_not_enumerated() -> None:
    sums = np.arange(1.0, 18.0)
    assert sign_flip(sums) == (1.0, 0.5**17)
    assert sign_flip(np.append(sums, -0.5)) is None


@pytest.mark.parametrize("count", [0, 1, 7, 20])
def test_bounds_of_a_share_are_those_of_clopper_and_pearson(count: int) -> None:
    lower, upper = proportion_confint(count, 20, alpha=0.1, method="beta")
    share = Share(count, 20)
    assert (share.lower(0.05), share.upper(0.05)) == (pytest.approx(lower), pytest.approx(upper))


def test_bounds_without_changes_are_those_of_one_share() -> None:
    lower, upper = share_bounds(Share(0, 100), Share(0, 100), 0.05)
    assert (lower, upper) == (pytest.approx(-(1 - 0.05**0.01)), pytest.approx(1 - 0.05**0.01))


def test_holm_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(6)
    for size in (1, 2, 5, 12):
        p_values = rng.uniform(0, 0.2, size)
        assert holm(list(p_values)) == pytest.approx(list(multipletests(p_values, method="holm")[1]))
    assert holm([]) == []


def test_groups_of_single_cases_give_welchs_test() -> None:
    rng = np.random.default_rng(7)
    old, new = rng.normal(0, 1, 40), rng.normal(0.1, 2, 25)
    decision = compare(
        Group(old, np.arange(40)), Group(new, np.arange(100, 125)), GateRule(metric="score", margin=0.1)
    )
    welch = stats.ttest_ind(new, old, equal_var=False, alternative="less")
    interval = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.9)
    assert decision.p_worse == pytest.approx(welch.pvalue)
    assert (decision.lower, decision.upper) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_clustered_groups_have_the_variances_of_statsmodels() -> None:
    (old, old_groups), (new, new_groups) = _clustered(8, 30), _clustered(9, 12)
    decision = compare(
        Group(old, old_groups), Group(new, new_groups + 1000), GateRule(metric="score", margin=0.1)
    )
    se, df = [], []
    for values, groups in ((old, old_groups), (new, new_groups)):
        fitted = sm.OLS(values, np.ones(values.size)).fit(cov_type="cluster", cov_kwds={"groups": groups})
        se.append(float(fitted.bse[0]))
        df.append(len(np.unique(groups)) - 1)
    squares = np.square(se)
    satterthwaite = squares.sum() ** 2 / (squares**2 / df).sum()
    half = stats.t.ppf(0.95, satterthwaite) * np.sqrt(squares.sum())
    mean = new.mean() - old.mean()
    assert (decision.lower, decision.upper) == (pytest.approx(mean - half), pytest.approx(mean + half))


def test_the_joint_regression_of_statsmodels_agrees_but_for_the_correction_by_group() -> None:
    (old, old_groups), (new, new_groups) = _clustered(8, 30), _clustered(9, 12)
    is_new = np.repeat([0.0, 1.0], [old.size, new.size])
    fitted = sm.OLS(np.concatenate([old, new]), sm.add_constant(is_new)).fit(
        cov_type="cluster",
        cov_kwds={"groups": np.concatenate([old_groups, new_groups + 1000]), "use_correction": False},
    )
    plain = [
        clustered_mean(v, g).se ** 2 * (c - 1) / c
        for v, g, c in ((old, old_groups, 30), (new, new_groups, 12))
    ]
    assert fitted.bse[1] ** 2 == pytest.approx(sum(plain))


def test_sums_follow_the_clusters() -> None:
    assert sums_by_cluster(np.array([1.0, 2.0, 4.0]), np.array(["b", "a", "b"])).tolist() == [2.0, 5.0]
