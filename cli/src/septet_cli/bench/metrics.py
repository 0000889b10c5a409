"""Means of rankings, and percentiles of times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from septet_experiments.metrics.ranking import RankingMeasure

CUTOFF = 10


def ranking_figures(pairs: Iterable[tuple[Sequence[str], Mapping[str, int]]]) -> dict[str, float]:
    """Means of nDCG@10, recall@10 and MRR over rankings with their relevance grades, as trec_eval computes them."""
    found = list(pairs)
    measures = {
        "ndcg@10": RankingMeasure("ndcg", CUTOFF),
        "recall@10": RankingMeasure("recall", CUTOFF),
        "mrr": RankingMeasure("mrr"),
    }
    return {
        name: round(mean(measure.value(ranking, relevant) for ranking, relevant in found), 4)
        for name, measure in measures.items()
    }


def percentile(values: Sequence[float], q: float) -> float:
    """The *q*-th percentile (0 to 100), linearly interpolated; 0 for no values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    position = (len(ordered) - 1) * q / 100
    low, high = math.floor(position), math.ceil(position)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def mean(values: Iterable[float]) -> float:
    """Arithmetic mean; 0 for no values."""
    found = list(values)
    return sum(found) / len(found) if found else 0.0
