"""Fusion of two rankings."""

from __future__ import annotations

import pytest
from septet_retrieval.domain.fusion import RRF_K, fuse, length_adjusted

LEXICAL = {"a": 9.0, "b": 5.0, "c": 1.0}
DENSE = {"b": 0.8, "d": 0.7, "a": 0.2}


def names(method: str, weight: float = 0.5) -> list[str]:
    return [item.name for item in fuse(LEXICAL, DENSE, method, weight)]  # type: ignore[arg-type]


def test_reciprocal_rank_fusion_is_the_published_formula() -> None:
    scores = {item.name: item.score for item in fuse(LEXICAL, DENSE, "rrf", 0.5)}
    assert scores["b"] == pytest.approx(0.5 / (RRF_K + 2) + 0.5 / (RRF_K + 1))
    assert scores["c"] == pytest.approx(0.5 / (RRF_K + 3))


@pytest.mark.parametrize("method", ["rrf", "convex"])
def test_results_of_both_sides_come_first(method: str) -> None:
    assert names(method)[0] == "b"


@pytest.mark.parametrize("method", ["rrf", "convex"])
def test_ranks_are_those_of_each_side(method: str) -> None:
    found = {item.name: (item.lexical_rank, item.dense_rank) for item in fuse(LEXICAL, DENSE, method, 0.5)}  # type: ignore[arg-type]
    assert found == {"a": (1, 3), "b": (2, 1), "c": (3, None), "d": (None, 2)}


@pytest.mark.parametrize("method", ["rrf", "convex"])
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_one_side_alone_keeps_its_order(method: str, weight: float) -> None:
    assert [item.name for item in fuse(LEXICAL, {}, method, weight)] == ["a", "b", "c"]  # type: ignore[arg-type]
    assert [item.name for item in fuse({}, DENSE, method, weight)] == ["b", "d", "a"]  # type: ignore[arg-type]
    assert fuse({}, {}, method, weight) == []  # type: ignore[arg-type]


def test_the_weight_favours_a_side() -> None:
    assert names("convex", 0.0)[0] == "a"
    assert names("convex", 1.0)[:2] == ["b", "d"]


def test_a_known_cosine_lifts_a_lexical_hit() -> None:
    low = {item.name: item.score for item in fuse(LEXICAL, DENSE, "convex", 0.5, {"c": 0.0})}
    high = {item.name: item.score for item in fuse(LEXICAL, DENSE, "convex", 0.5, {"c": 0.9})}
    assert high["c"] > low["c"]
    assert high["a"] == low["a"]


def test_convex_scores_are_between_0_and_1_also_for_equal_scores() -> None:
    found = fuse({"a": 1.0, "b": 1.0}, {"a": 0.5}, "convex", 0.5)
    assert all(0 < item.score < 1 for item in found)


def test_long_questions_favour_the_lexical_side() -> None:
    assert length_adjusted(0.58, 5) == pytest.approx(0.58)
    assert length_adjusted(0.58, 40) < 0.58 < length_adjusted(0.58, 1)
    assert length_adjusted(1.0, 40) == 1.0
    assert length_adjusted(0.0, 1) == 0.0
