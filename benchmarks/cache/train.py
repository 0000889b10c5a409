"""Train the cache's paraphrase classifiers and write their coefficients.

    python -m benchmarks.cache.train

Trains on the training half of each set (split by a hash of the pair's id), including pairs that fail ``LENIENT``
checks, so that the model learns the effect of unmatched words. English: Quora question pairs and PAWS-X; Korean:
Korean question pairs and PAWS-X. The threshold is the lowest with false hits below ``FALSE_HITS`` in the training half
of every set; it counts only pairs that pass all checks, because the cache scores no others.
``benchmarks.cache.measure`` also fits the models without each set in turn and tests them on it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from septet_cache.domain.features import FEATURES, SIGNS, features
from septet_cache.domain.reading import read
from septet_cache.domain.verify import align, run_checks

from benchmarks.cache import pairs
from benchmarks.data import ROOT

TARGET = ROOT / "services/cache/src/septet_cache/domain/classifier.json"
WEIGHTS = {
    "en": {"qqp": 1.0, "paws_en": 0.3},
    "ko": {"korean_question_pair": 1.0, "paws_ko": 0.5},
}
FALSE_HITS = {"qqp": 0.012, "paws_en": 0.05, "korean_question_pair": 0.012, "paws_ko": 0.05}
LEAST_THRESHOLD = 0.75
RIDGE = 1.0
STEPS = 5000
LEAST_SCALE = 0.05
LENIENT = frozenset({"content", "question_type", "qualifiers"})

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A pair, its features (None if a check outside ``LENIENT`` failed), and whether it passed all checks."""

    pair: pairs.Pair
    values: tuple[float, ...] | None
    passed: bool


def rows(found: list[pairs.Pair], vectors: pairs.Vectors) -> list[Row]:
    """Run the checks on pairs and compute their features."""
    return [_row(p, float(vectors[p.left] @ vectors[p.right])) for p in found]


def _row(pair: pairs.Pair, similarity: float) -> Row:
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


def train(by_set: dict[str, list[Row]], weights: dict[str, float]) -> dict[str, object]:
    """Fit the model of one language."""
    used = [(r, weights[name]) for name, found in by_set.items() for r in found if r.values]
    x = np.asarray([r.values for r, _ in used])
    y = np.asarray([float(r.pair.same) for r, _ in used])
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), LEAST_SCALE)
    beta = fit((x - mean) / scale, y, np.asarray([w for _, w in used]))
    probabilities = 1 / (1 + np.exp(-((x - mean) / scale) @ beta[:-1] - beta[-1]))
    scored = [(r.pair, float(p)) for (r, _), p in zip(used, probabilities, strict=True) if r.passed]
    threshold = _threshold(scored, by_set)
    return {
        "features": FEATURES,
        "mean": mean.round(5).tolist(),
        "scale": scale.round(5).tolist(),
        "weight": beta[:-1].round(5).tolist(),
        "intercept": round(float(beta[-1]), 5),
        "threshold": threshold,
    }


def _threshold(scored: list[tuple[pairs.Pair, float]], by_set: dict[str, list[Row]]) -> float:
    """The lowest threshold with false hits within ``FALSE_HITS`` in every set."""
    different = {n: sum(not r.pair.same for r in found) for n, found in by_set.items()}
    for threshold in np.arange(LEAST_THRESHOLD, 1.0, 0.01):
        served = [p for p, probability in scored if probability >= threshold and not p.same]
        if all(sum(p.set == n for p in served) <= FALSE_HITS[n] * total for n, total in different.items()):
            return round(float(threshold), 2)
    return 0.99


def main() -> None:
    """Train both languages and write the coefficients."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/septet", help="models, embeddings"
    )
    arguments = parser.parse_args()
    vectors = pairs.embed(list(pairs.SETS), arguments.cache)
    models = {}
    for language, weights in WEIGHTS.items():
        halves = {n: [p for p in pairs.load(n, vectors) if p.training] for n in weights}
        models[language] = train({n: rows(half, vectors) for n, half in halves.items()}, weights)
        print(language, models[language])
    content = {"embeddings_model": pairs.EMBEDDINGS_MODEL, "models": models}
    TARGET.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
