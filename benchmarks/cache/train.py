"""Train the cache's paraphrase classifiers and write their coefficients.

    python -m benchmarks.cache.train

Trains on the training half of each set (split by a hash of the pair's id). English: Quora question pairs and PAWS-X;
Korean: Korean question pairs and PAWS-X. The threshold is the lowest with false hits below ``FALSE_HITS`` in the
training half of every set. ``benchmarks.cache.measure`` also fits the models without each set in turn and tests them on it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from septet_cache.domain.fit_classifier import rows, train

from benchmarks.cache import pairs
from benchmarks.data import ROOT

TARGET = ROOT / "services/cache/src/septet_cache/domain/classifier.json"
WEIGHTS = {
    "en": {"qqp": 1.0, "paws_en": 0.3},
    "ko": {"korean_question_pair": 1.0, "paws_ko": 0.5},
}
FALSE_HITS = {"qqp": 0.012, "paws_en": 0.05, "korean_question_pair": 0.012, "paws_ko": 0.05}


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
        models[language] = train({n: rows(half, vectors) for n, half in halves.items()}, weights, FALSE_HITS)
        print(language, models[language])
    content = {"embeddings_model": pairs.EMBEDDINGS_MODEL, "models": models}
    TARGET.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
