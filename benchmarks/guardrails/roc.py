"""Receiver operating characteristic of a rail, in which every set of texts has the same weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sklearn.metrics import roc_auc_score

Scores = Mapping[str, Sequence[float]]
"""Scores by set."""

K = TypeVar("K")

_LOW = (0, 5, 10, 15, 20, 30, 40, 50, 60, 75, 100, 125, 150, 200, 250, 300, 400, 500, 600, 750)
_HIGH = (1_000, 1_250, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000)
RATES = tuple(step / 10_000 for step in (*_LOW, *_HIGH))
"""False-positive rates of the reported points."""


def grouped(found: Iterable[tuple[K, float]]) -> dict[K, list[float]]:
    """Return the scores by set."""
    groups: dict[K, list[float]] = {}
    for group, score in found:
        groups.setdefault(group, []).append(score)
    return groups


def share(scores: Sequence[float], least: float, below: float = float("inf")) -> float:
    """Return the share of scores of at least ``least`` and less than ``below``."""
    return sum(least <= score < below for score in scores) / len(scores)


def mean_share(groups: Scores, least: float) -> float:
    """Return the mean over the sets of the share of scores of at least ``least``."""
    return sum(share(scores, least) for scores in groups.values()) / len(groups)


def cumulated(groups: Scores) -> list[tuple[float, float]]:
    """Return each score, from the highest on, with the mean share of scores of at least that score."""
    weighted = sorted(
        ((score, 1 / (len(scores) * len(groups))) for scores in groups.values() for score in scores),
        reverse=True,
    )
    total = 0.0
    found: list[tuple[float, float]] = []
    for score, weight in weighted:
        total += weight
        if found and found[-1][0] == score:
            found.pop()
        found.append((score, total))
    return found


def score_at(negatives: Sequence[tuple[float, float]], rate: float) -> float:
    """Return the lowest score with a false-positive rate of at most ``rate``; infinity if there is none."""
    return min((score for score, found in negatives if found <= rate + 1e-9), default=float("inf"))


def area(positives: Scores, negatives: Scores) -> float:
    """Return the area under the curve: the chance that a positive text scores higher than a negative one."""
    labels: list[bool] = []
    scores: list[float] = []
    weights: list[float] = []
    for label, groups in ((True, positives), (False, negatives)):
        for found in groups.values():
            labels += [label] * len(found)
            scores += found
            weights += [1 / len(found)] * len(found)
    return float(roc_auc_score(labels, scores, sample_weight=weights))


def roc(positives: Scores, negatives: Scores) -> dict[str, Any]:
    """Return the area and the points of the curve: false-positive rate, true-positive rate, score."""
    ordered = cumulated(negatives)
    points = []
    for rate in RATES:
        score = score_at(ordered, rate)
        caught = mean_share(positives, score)
        points.append([rate, round(caught, 4), None if score == float("inf") else round(score, 4)])
    return {"auc": round(area(positives, negatives), 4), "points": points}
