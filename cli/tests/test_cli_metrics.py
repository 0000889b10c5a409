"""Means of rankings and percentiles of times, on worked examples. The metrics' own tests compare with trec_eval."""

from __future__ import annotations

import pytest
from septet_cli.bench.metrics import percentile, ranking_figures


def test_figures_are_means_over_rankings() -> None:
    grades = {"a": 3, "b": 1}
    found = ranking_figures([(["a", "b"], grades), (["x", "a"], grades), ([], grades)])
    second = (3 / 1.5849625) / (3 + 1 / 1.5849625)
    assert found == {
        "ndcg@10": pytest.approx((1 + second) / 3, abs=1e-4),
        "recall@10": 0.5,
        "mrr": 0.5,
    }


def test_ranks_after_ten_count_for_mrr_alone() -> None:
    ranking = [f"x{i}" for i in range(10)] + ["a"]
    assert ranking_figures([(ranking, {"a": 1})]) == {"ndcg@10": 0, "recall@10": 0, "mrr": round(1 / 11, 4)}


def test_percentile_interpolates() -> None:
    assert percentile([1, 2, 3, 4], 50) == 2.5
    assert percentile([7], 99) == 7
    assert percentile([], 50) == 0
