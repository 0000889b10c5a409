"""Measure the semantic hits of the cache on held-out pairs, compared with a similarity threshold alone.

    python -m benchmarks.cache.measure

Hit rate: served share of the pairs with the same meaning. False-hit rate: served share of the pairs with different
meanings. "Similarity alone" serves every pair above one threshold. The threshold reaches the hit rate of the cache on
the Quora (English) or Korean question pairs, and is then applied to the other sets.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from septet_cache.domain.classifier import classifiers
from septet_cache.domain.features import features
from septet_cache.domain.reading import read
from septet_cache.domain.verify import align, run_checks

from benchmarks.cache import pairs

RESULTS = Path(__file__).parent / "results"
REFERENCE = {
    "qqp": "qqp",
    "paws_en": "qqp",
    "banking77": "qqp",
    "korean_question_pair": "korean_question_pair",
    "paws_ko": "korean_question_pair",
}


@dataclass(frozen=True)
class Served:
    """A pair, its cosine, and the checks that rejected it (empty if it is served)."""

    pair: pairs.Pair
    similarity: float
    objections: tuple[str, ...]


def verify(pair: pairs.Pair, similarity: float) -> Served:
    """Verify a pair as the cache does."""
    left, right = read(pair.left), read(pair.right)
    if left is None or right is None:
        return Served(pair, similarity, ("language",))
    alignment = align(left, right)
    failed = tuple(c.name for c in run_checks(alignment) if not c.passed)
    if failed:
        return Served(pair, similarity, failed)
    classifier = classifiers()[left.language]
    passed = classifier.probability(features(alignment, similarity)) >= classifier.threshold
    return Served(pair, similarity, () if passed else ("second_opinion",))


def rates(found: list[Served]) -> dict[str, float | None]:
    """Hit rate and false-hit rate of the cache."""
    return {"hit": _rate(found, same=True), "false_hit": _rate(found, same=False)}


def _rate(found: list[Served], *, same: bool) -> float | None:
    wanted = [s for s in found if s.pair.same == same]
    return round(sum(not s.objections for s in wanted) / len(wanted), 4) if wanted else None


def by_similarity(found: list[Served], threshold: float) -> dict[str, float | None]:
    """Rates if every pair with at least this cosine is served."""
    out: dict[str, float | None] = {"threshold": round(threshold, 4)}
    for name, same in (("hit", True), ("false_hit", False)):
        wanted = [s.similarity >= threshold for s in found if s.pair.same == same]
        out[name] = round(float(np.mean(wanted)), 4) if wanted else None
    return out


def equal_hits(found: list[Served]) -> float:
    """The cosine at which similarity alone reaches the cache's hit rate."""
    hit = _rate(found, same=True) or 0.0
    return float(np.quantile([s.similarity for s in found if s.pair.same], 1 - hit))


def measure(vectors: pairs.Vectors) -> dict[str, dict[str, object]]:
    """Verify the held-out half of every set."""
    held_out = {
        name: [
            verify(p, float(vectors[p.left] @ vectors[p.right]))
            for p in pairs.load(name, vectors)
            if not p.training
        ]
        for name in pairs.SETS
    }
    return {
        name: {
            "pairs": len(found),
            "same": sum(s.pair.same for s in found),
            "verified": rates(found),
            "similarity_alone": by_similarity(found, equal_hits(held_out[REFERENCE[name]])),
            "objections_to_different": dict(
                Counter(o for s in found if not s.pair.same for o in s.objections)
            ),
        }
        for name, found in held_out.items()
    }


def main() -> None:
    """Measure, print a table, and write ``results/``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/septet", help="models, embeddings"
    )
    parser.add_argument("--no-write", action="store_true", help="print only")
    arguments = parser.parse_args()
    results = measure(pairs.embed(list(pairs.SETS), arguments.cache))
    table = _table(results)
    print(table)
    if not arguments.no_write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "verification.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "verification.md").write_text(
            f"# Semantic hits, held-out halves\n\n{__doc__}\n{table}\n",
            encoding="utf-8",
        )


def _table(results: dict[str, dict[str, object]]) -> str:
    lines = [
        "| set | pairs | verified: hit | verified: false hit | similarity alone: cosine | hit | false hit |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, found in results.items():
        ours, theirs = found["verified"], found["similarity_alone"]
        assert isinstance(ours, dict)
        assert isinstance(theirs, dict)
        cells = [
            name,
            found["pairs"],
            ours["hit"],
            ours["false_hit"],
            theirs["threshold"],
            theirs["hit"],
            theirs["false_hit"],
        ]
        lines.append("| " + " | ".join("–" if c is None else str(c) for c in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
