"""The stop rule of a canary."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from septet_experiments.errors import NotComparable
from septet_experiments.gates import GateRule, Group, Limits, Side, StopRule, Watched, look_levels
from septet_experiments.gates.exceedance import beta_binomial_tail, p_slower

LOOKS = tuple(k / 10 for k in range(1, 11))
RULE = StopRule((Watched(GateRule(metric="score", margin=0.05)),))


def side(name: str, n: int = 200, *, right: float = 0.8, failed: float = 0.02, slow: float = 1.0) -> Side:
    """Requests without a conversation: the first ones are right, the last ones fail, latencies are 1 to 3 s."""
    clusters = np.array([f"{name}{i}" for i in range(n)])
    values = (np.arange(n) < right * n).astype(float)
    fails = (np.arange(n) >= n - failed * n).astype(float)
    seconds = slow * np.linspace(1, 3, n)
    return Side({"score": Group(values, clusters)}, Group(fails, clusters), Group(seconds, clusters))


@pytest.mark.parametrize(("count", "n", "a", "b"), [(1, 20, 2, 99), (5, 100, 5, 396), (100, 100, 2, 99)])
def test_the_tail_is_that_of_scipy(count: int, n: int, a: int, b: int) -> None:
    assert beta_binomial_tail(count, n, a, b) == pytest.approx(stats.betabinom.sf(count - 1, n, a, b))


def test_the_p_value_of_a_quantile_is_exact_for_every_distribution() -> None:
    """All arrangements of 6 and 4 values are equally likely without a difference."""
    rng = np.random.default_rng(1)
    p = np.array([p_slower(v[:6], v[6:], 0.5) for v in (rng.lognormal(size=10) for _ in range(4_000))])
    for level in np.unique(p)[:4]:
        assert (p <= level).mean() == pytest.approx(level, abs=0.025)


def test_ties_and_few_values_show_nothing() -> None:
    same = np.ones(50)
    assert p_slower(same, same, 0.99) == 1.0
    assert p_slower(same, np.zeros(0), 0.99) == p_slower(np.zeros(0), same, 0.99) == 1.0
    assert p_slower(np.array([1.0]), np.array([9.0]), 0.99) == pytest.approx(0.5)


def test_an_equal_candidate_is_not_stopped() -> None:
    for fractions in (LOOKS[:1], LOOKS):
        look = RULE.decide(side("b"), side("c", 100), RULE.level(fractions))
        assert look.verdict != "FAIL"
        assert look.breaches == ()
    assert RULE.decide(side("b", 4_000), side("c", 2_000), RULE.level(LOOKS)).verdict == "PASS"


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (side("c", 100, right=0.5), "score is worse"),
        (side("c", 100, failed=0.3), "30.0% of the candidate's requests failed, and 2.0% of the others"),
        (side("c", 100, slow=9), "the candidate's p99 latency is 26.8 s, and 2.98 s of the others"),
    ],
    ids=["metric", "errors", "latency"],
)
def test_a_worse_candidate_is_stopped_with_the_reason(candidate: Side, reason: str) -> None:
    look = RULE.decide(side("b"), candidate, RULE.level(LOOKS[:5]))
    assert look.verdict == "FAIL"
    assert look.reason.startswith(reason)


def test_a_candidate_that_always_fails_is_stopped_at_the_first_look() -> None:
    look = RULE.decide(side("b", 400), side("c", 20, failed=1), RULE.level(LOOKS[:1]))
    assert look.reason.startswith("100.0% of the candidate's requests failed")


def test_limits_accept_what_they_name() -> None:
    worse = side("c", 100, failed=0.3, slow=9)
    generous = StopRule(RULE.watched, Limits(errors=0.4, slower=10))
    assert generous.decide(side("b"), worse, generous.level(LOOKS[:5])).breaches == ()
    assert len(RULE.decide(side("b"), worse, RULE.level(LOOKS[:5])).breaches) == 2


def test_one_failure_among_few_requests_exceeds_no_limit() -> None:
    """One of 20 is 5 points more than none of 400, and no evidence."""
    look = RULE.decide(side("b", 400, failed=0), side("c", 20, failed=0.05), RULE.level(LOOKS[:1]))
    assert look.breaches == ()


def test_requests_of_one_conversation_are_one_observation_of_latency() -> None:
    slow = side("c", 100, slow=9)
    one = Group(slow.seconds.values, np.repeat("c0", 100))
    look = RULE.decide(side("b"), Side(slow.metrics, slow.failed, one), RULE.level(LOOKS[:5]))
    assert look.breaches == ()


def test_the_error_probability_is_divided_among_parts_and_looks() -> None:
    assert RULE.level(LOOKS) == look_levels(LOOKS, 0.05 / 3)[-1]
    assert StopRule(RULE.watched * 2).level(LOOKS) == look_levels(LOOKS, 0.05 / 4)[-1]


def test_a_conversation_on_both_sides_is_an_error() -> None:
    with pytest.raises(NotComparable, match="belongs to both groups"):
        RULE.decide(side("b"), side("b", 100), 0.01)
