"""Fits and checks the paraphrase classifier of one language."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from septet_kit.calibration import fold_of

from septet_cache.domain.classifier import ParaphraseClassifier
from septet_cache.domain.features import FEATURES, SIGNS, features
from septet_cache.domain.reading import read
from septet_cache.domain.verify import align, run_checks

LEAST_THRESHOLD = 0.75
RIDGE = 1.0
STEPS = 5000
LEAST_SCALE = 0.05
LENIENT = frozenset({"content", "question_type", "qualifiers"})
"""Pairs that fail only these checks are learned, too: the model learns the effect of unmatched words."""

Floats = NDArray[np.float64]
Vectors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Pair:
    """Two texts; ``same`` if annotators gave them the same meaning. ``training`` selects half of each set by id."""

    set: str
    id: str
    left: str
    right: str
    same: bool

    @property
    def training(self) -> bool:
        return hashlib.sha256(self.id.encode()).digest()[0] % 2 == 0


@dataclass(frozen=True)
class Row:
    """A pair, its features (None if a check outside ``LENIENT`` failed), and whether it passed all checks."""

    pair: Pair
    values: tuple[float, ...] | None
    passed: bool

    def is_served(self, classifier: ParaphraseClassifier) -> bool:
        """Whether the cache serves one question the answer to the other."""
        if not self.passed or self.values is None:
            return False
        return classifier.probability(self.values) >= classifier.threshold


def rows(found: Iterable[Pair], vectors: Vectors) -> list[Row]:
    """Run the checks on pairs and compute their features."""
    return [_row(p, float(vectors[p.left] @ vectors[p.right])) for p in found]


def _row(pair: Pair, similarity: float) -> Row:
    left, right = read(pair.left), read(pair.right)
    if left is None or right is None:
        return Row(pair, None, passed=False)
    alignment = align(left, right)
    failed = {c.name for c in run_checks(alignment) if not c.passed}
    return Row(pair, features(alignment, similarity) if failed <= LENIENT else None, passed=not failed)


def fit(x: Floats, y: Floats, weight: Floats) -> Floats:
    """Weighted logistic regression with an L2 penalty and sign constraints, by projected gradient descent.

    The constraints (``SIGNS``) prevent the model from learning that an extra word makes two questions more similar.
    Returns the coefficients, then the unconstrained intercept.
    """
    design = np.hstack([x, np.ones((len(x), 1))])
    low = np.asarray([0.0 if s > 0 else -np.inf for s in SIGNS.values()] + [-np.inf])
    high = np.asarray([0.0 if s < 0 else np.inf for s in SIGNS.values()] + [np.inf])
    ridge = np.asarray([RIDGE] * x.shape[1] + [0.0])
    rate = 1 / (0.25 * np.linalg.norm(design * np.sqrt(weight)[:, None], 2) ** 2 + RIDGE)
    beta = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-design @ beta))
        beta = np.clip(beta + rate * (design.T @ (weight * (y - p)) - ridge * beta), low, high)
    return beta


def train(
    by_set: Mapping[str, Sequence[Row]], weights: Mapping[str, float], false_hits: Mapping[str, float]
) -> dict[str, object]:
    """Fit the model of one language.

    Args:
        by_set: the rows of each set.
        weights: weight of a pair of each set.
        false_hits: share of the different pairs of each set that the threshold may let pass.
    """
    used = [(r, name) for name, found in by_set.items() for r in found if r.values]
    x = np.asarray([r.values for r, _ in used])
    y = np.asarray([float(r.pair.same) for r, _ in used])
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), LEAST_SCALE)
    beta = fit((x - mean) / scale, y, np.asarray([weights[name] for _, name in used]))
    probabilities = 1 / (1 + np.exp(-((x - mean) / scale) @ beta[:-1] - beta[-1]))
    # The cache scores only pairs that pass all checks.
    different = [
        (name, float(p))
        for (r, name), p in zip(used, probabilities, strict=True)
        if r.passed and not r.pair.same
    ]
    allowed = {name: false_hits[name] * sum(not r.pair.same for r in found) for name, found in by_set.items()}
    return {
        "features": FEATURES,
        "mean": mean.round(5).tolist(),
        "scale": scale.round(5).tolist(),
        "weight": beta[:-1].round(5).tolist(),
        "intercept": round(float(beta[-1]), 5),
        "threshold": _threshold(different, allowed),
    }


def _threshold(different: Sequence[tuple[str, float]], allowed: Mapping[str, float]) -> float:
    """The lowest threshold with at most the allowed number of false hits in every set.

    ``different`` are the set and the probability of each pair with different meanings that passes all checks.
    """
    for threshold in np.arange(LEAST_THRESHOLD, 1.0, 0.01):
        served = [name for name, probability in different if probability >= threshold]
        if all(served.count(name) <= limit for name, limit in allowed.items()):
            return round(float(threshold), 2)
    return 0.99


def rates(same: Sequence[bool], served: Sequence[bool]) -> dict[str, float | int | None]:
    """Number of pairs, served share of the same and of the different pairs, and wrong share of the hits."""
    repeats = [s for label, s in zip(same, served, strict=True) if label]
    different = [s for label, s in zip(same, served, strict=True) if not label]
    hits = sum(repeats) + sum(different)
    return {
        "pairs": len(same),
        "served": round(sum(repeats) / len(repeats), 4) if repeats else None,
        "false_hits": round(sum(different) / len(different), 4) if different else None,
        "wrong": round(sum(different) / hits, 4) if repeats and hits else None,
    }


def served_by_folds(found: Sequence[Row], folds: int, false_hits: float) -> list[bool]:
    """Whether each pair is served by a classifier and a threshold that were fitted without its fold.

    Pairs that share a question, directly or through other pairs, are in the same fold.
    """
    groups = _groups(found)
    fold = [fold_of(groups[r.pair.left], folds) for r in found]
    served = [False] * len(found)
    for held in sorted(set(fold)):
        learned = [r for r, f in zip(found, fold, strict=True) if f != held]
        model = ParaphraseClassifier.model_validate(train({"": learned}, {"": 1.0}, {"": false_hits}))
        for position, row in enumerate(found):
            if fold[position] == held:
                served[position] = row.is_served(model)
    return served


def _groups(found: Iterable[Row]) -> dict[str, str]:
    """One text of the connected group of each text."""
    parents: dict[str, str] = {}

    def root(text: str) -> str:
        while (parent := parents.setdefault(text, text)) != text:
            parents[text] = text = parents[parent]
        return text

    for row in found:
        one, other = sorted((root(row.pair.left), root(row.pair.right)))
        parents[other] = one
    return {text: root(text) for text in list(parents)}
