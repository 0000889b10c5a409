"""Correlation of a metric with human ratings."""

from __future__ import annotations

import json
from itertools import combinations
from math import inf, nan, sqrt
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from septet_experiments.errors import NotComputable
from septet_experiments.metrics import METRICS, correlation, select

RESULTS = Path(__file__).parents[3] / "benchmarks" / "evals" / "results" / "correlations.json"
SERIES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=3, max_size=12)


def pearson(a: list[float], b: list[float]) -> float:
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    both = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return both / sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))


def ranks(values: list[float]) -> list[float]:
    """Mean rank of equal values."""
    return [sum(v < x for v in values) + (sum(v == x for v in values) + 1) / 2 for x in values]


def tau_b(a: list[float], b: list[float]) -> float:
    pairs = list(combinations(range(len(a)), 2))
    sign = [((a[i] > a[j]) - (a[i] < a[j])) * ((b[i] > b[j]) - (b[i] < b[j])) for i, j in pairs]
    untied_a, untied_b = (sum(s[i] != s[j] for i, j in pairs) for s in (a, b))
    return sum(sign) / sqrt(untied_a * untied_b)


@given(SERIES)
def test_values_equal_their_definitions(pairs: list[tuple[int, int]]) -> None:
    human, metric = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    assume(len(set(human)) > 1 and len(set(metric)) > 1)
    found = correlation(human, metric)
    assert found.n == len(pairs)
    assert found.pearson == pytest.approx(pearson(human, metric), abs=1e-9)
    assert found.spearman == pytest.approx(pearson(ranks(human), ranks(metric)), abs=1e-9)
    assert found.kendall == pytest.approx(tau_b(human, metric), abs=1e-9)


@pytest.mark.parametrize(
    ("human", "metric", "reason"),
    [
        ([1, 2], [1, 2], "fewer than 3"),
        ([1, 1, 1], [1, 2, 3], "all human ratings are equal"),
        ([1, 2, 3], [0.5, 0.5, 0.5], "all metric's values are equal"),
        ([1, 2, nan], [1, 2, 3], "not a number"),
        ([1, 2, 3], [1, 2, inf], "not a number"),
    ],
)
def test_a_correlation_without_a_value_is_an_error(
    human: list[float], metric: list[float], reason: str
) -> None:
    with pytest.raises(NotComputable, match=reason):
        correlation(human, metric)


def test_series_of_different_lengths_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="3 ratings and 2 values"):
        correlation([1, 2, 3], [1, 2])


def test_committed_correlations_are_of_the_present_metrics() -> None:
    results = json.loads(RESULTS.read_text("utf-8"))
    for name in ("sfhot", "topical_chat"):
        signatures = results["signatures"][name]
        overlap = select([metric for metric in signatures if not METRICS[metric].resources])
        assert {metric.name: metric.signature for metric in overlap}.items() <= signatures.items()
        for metric, definition in METRICS.items():
            assert definition.resources == frozenset() or signatures[metric].endswith(
                f"|v:{definition.version}"
            )
