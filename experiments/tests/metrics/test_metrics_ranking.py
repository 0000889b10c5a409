"""Ranking metrics."""

from __future__ import annotations

from collections import defaultdict
from math import log2
from typing import Any

import pytest
from septet_experiments.cases import Case
from septet_experiments.errors import NotComputable
from septet_experiments.metrics import Observed

from .support import found, golden, observed, one, response


def ranked(relevant: dict[str, int], *documents: str, **fields: Any) -> Observed:
    return observed("answer", case={"relevant": relevant}, sources=found(*documents), **fields)


def test_values_equal_those_of_trec_eval() -> None:
    rows = {(row["set"], row["query_id"]): row for row in golden("metric_goldens/trec_eval_values")}
    columns = {
        "ndcg": "ndcg_cut_10",
        "ndcg@5": "ndcg_cut_5",
        "recall@10": "recall_10",
        "recall@30": "recall_30",
        "mrr": "recip_rank",
    }
    metrics = {name: one(name) for name in columns}
    grades: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for name in ("cranfield", "cisi"):
        for row in golden(f"{name}/qrels"):
            grades[name, row["query_id"]][row["doc_id"]] = row["score"]
    for run in golden("metric_goldens/trec_runs"):
        key = (run["set"], run["query_id"])
        # trec_eval orders equal scores by document id, descending.
        ranking = [
            name for name, _ in sorted(run["ranking"], key=lambda pair: (pair[1], pair[0]), reverse=True)
        ]
        given = ranked(grades[key], *ranking)
        for name, metric in metrics.items():
            assert metric.value(given) == pytest.approx(rows[key][columns[name]], abs=1e-5), (key, name)
    assert len(rows) == 70


def test_hand_checked_ranking() -> None:
    given = ranked({"b": 2, "d": 1, "z": 1}, "a", "b", "c", "d")
    ideal = 2 + 1 / log2(3) + 1 / log2(4)
    assert one("ndcg").value(given) == pytest.approx((2 / log2(3) + 1 / log2(5)) / ideal)
    assert one("ndcg@2").value(given) == pytest.approx((2 / log2(3)) / (2 + 1 / log2(3)))
    assert one("recall@2").value(given) == pytest.approx(1 / 3)
    assert one("recall@4").value(given) == pytest.approx(2 / 3)
    assert one("mrr").value(given) == 0.5


def test_a_document_counts_at_its_first_passage() -> None:
    assert one("mrr").value(ranked({"b": 1}, "a", "a", "a", "b")) == 0.5


def test_sources_are_ranked_by_their_number() -> None:
    sources = tuple(reversed(found("a", "b", "c")))
    given = Observed(Case(id="c", question="?", relevant={"c": 1}), response("x", sources=sources))
    assert one("mrr").value(given) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", ["ndcg", "recall", "mrr"])
def test_no_document_found_is_a_value_of_zero(name: str) -> None:
    assert one(name).value(ranked({"a": 1})) == 0.0
    assert one(name).value(ranked({"a": 1}, status="abstained")) == 0.0
    assert one(name).value(ranked({"a": 1}, "b", "c")) == 0.0


@pytest.mark.parametrize("name", ["ndcg", "recall", "mrr"])
def test_ranking_metrics_need_a_search_and_relevant_documents(name: str) -> None:
    with pytest.raises(NotComputable, match="no `relevant`"):
        one(name).value(ranked({}, "a"))
    with pytest.raises(NotComputable, match="no `relevant`"):
        one(name).value(ranked({"a": 0}, "a"))
    with pytest.raises(NotComputable, match="was blocked"):
        one(name).value(ranked({"a": 1}, status="blocked"))
    with pytest.raises(NotComputable, match="status is failed"):
        one(name).value(ranked({"a": 1}, status="failed"))
    with pytest.raises(NotComputable, match="turns retrieval off"):
        one(name).value(observed("x", case={"relevant": {"a": 1}, "request": {"retrieval": {"mode": "off"}}}))
