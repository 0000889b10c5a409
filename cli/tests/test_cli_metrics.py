"""Ranking metrics against values of trec_eval, answer metrics against worked examples."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from septet_cli.bench.metrics import exact_match, ndcg, percentile, recall, reciprocal_rank, token_f1

DATA = Path(os.environ.get("SEPTET_DATA", Path(__file__).parents[3] / "shared" / "data"))
GOLDENS = DATA / "metric_goldens"


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines() if line.strip()]


@pytest.mark.skipif(not GOLDENS.is_dir(), reason="SEPTET_DATA has no metric_goldens")
def test_ranking_metrics_equal_trec_eval() -> None:
    grades: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for name in ("cranfield", "cisi"):
        for row in rows(DATA / name / "qrels.jsonl"):
            grades[name, row["query_id"]][row["doc_id"]] = row["score"]
    expected = {(r["set"], r["query_id"]): r for r in rows(GOLDENS / "trec_eval_values.jsonl")}
    runs = rows(GOLDENS / "trec_runs.jsonl")
    assert len(runs) == 70
    for run in runs:
        key = (run["set"], run["query_id"])
        # trec_eval orders equal scores by document id, descending.
        ranked = [d for d, _ in sorted(run["ranking"], key=lambda x: (x[1], x[0]), reverse=True)]
        want = expected[key]
        assert ndcg(ranked, grades[key], 10) == pytest.approx(want["ndcg_cut_10"], abs=1e-6)
        assert ndcg(ranked, grades[key], 5) == pytest.approx(want["ndcg_cut_5"], abs=1e-6)
        assert recall(ranked, grades[key], 10) == pytest.approx(want["recall_10"], abs=1e-6)
        assert reciprocal_rank(ranked, grades[key]) == pytest.approx(want["recip_rank"], abs=1e-6)


def test_ndcg_equals_a_worked_example() -> None:
    grades = {"a": 3.0, "b": 1.0}
    assert ndcg(["a", "b"], grades) == 1
    assert ndcg(["x", "a"], grades) == pytest.approx((3 / 1.5849625) / (3 + 1 / 1.5849625))
    assert ndcg([], grades) == 0
    assert ndcg(["a"], {}) == 0


def test_ranks_after_ten_do_not_count() -> None:
    ranking = [f"x{i}" for i in range(10)] + ["a"]
    assert ndcg(ranking, {"a": 1}) == 0
    assert recall(ranking, {"a": 1}) == 0
    assert reciprocal_rank(ranking, {"a": 1}) == pytest.approx(1 / 11)


@pytest.mark.parametrize(
    ("answer", "references", "f1"),
    [
        ("The Eiffel Tower [1].", ["eiffel tower"], 1.0),
        ("in Paris, France", ["Paris"], 0.5),
        ("London", ["Paris"], 0.0),
        ("London", ["Paris", "London"], 1.0),
        ("월요일에 쉰다", ["월요일"], 2 * (3 / 6) * 1 / (3 / 6 + 1)),
        ("", ["Paris"], 0.0),
        ("Paris", [], 0.0),
    ],
)
def test_token_f1(answer: str, references: list[str], f1: float) -> None:
    assert token_f1(answer, references) == pytest.approx(f1)


def test_exact_match_ignores_articles_case_and_citations() -> None:
    assert exact_match("The Paris [2]", ["paris"]) == 1
    assert exact_match("Paris, France", ["paris"]) == 0


def test_percentile_interpolates() -> None:
    assert percentile([1, 2, 3, 4], 50) == 2.5
    assert percentile([7], 99) == 7
    assert percentile([], 50) == 0
