"""Measure what a second path past the check ``content`` would serve: pairs that fail this check alone.

    python -m benchmarks.cache.content_only

Each pair that fails ``content`` and no other check is in one class, by its words without a counterpart:

- *added*: only one question has such words.
- *exchanged*: both have one of the same kind (noun or verb). A Korean word whose kind is unclear counts as both, and
  every English word counts as both.
- *reworded*: nouns in one question and verbs in the other.

A second path would serve a class if the classifier's probability reaches a threshold. The figures are the shares of all
pairs with the same meaning and of all pairs with different meanings that it would add. Pairs of the training halves are
included: the classifier was trained on them, but no rule of this path was.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path

from septet_cache.domain.classifier import classifiers
from septet_cache.domain.features import features
from septet_cache.domain.fit_classifier import Vectors
from septet_cache.domain.reading import Term, read
from septet_cache.domain.reading.korean_words import PARTICLES
from septet_cache.domain.verify import Alignment, align, run_checks
from septet_cache.domain.verify.compounds import unmatched

from benchmarks.cache import pairs
from benchmarks.cache.measure import RESULTS, available

THRESHOLDS = (0.90, 0.95, 0.97, 0.98)
CLASSES = ("added", "exchanged", "reworded")
_VERB = re.compile(
    r".+(?:나요|까요?|[어아여해워져려쳐]요|세요|니다|[은는인]데요?|려면|려고|지만|네요?|군요|[어아여해]서|[어아여해]야|[었았였했]어"
    r"|하고|하면|되면|[는은]가요?|는지|더라고?|거든|잖아|싶어|질|다)$"
)
_CLEAR_PARTICLES = frozenset(
    p for p in PARTICLES if p not in {"는", "가", "고", "나", "도", "만", "서", "지"}
)
_MIN_VERB = 3


def kinds(term: Term) -> frozenset[str]:
    """Possible kinds of a word: noun, verb, or both if its form does not show it."""
    word = term.surface
    if word.isascii():
        return frozenset({"noun"} if term.name else {"noun", "verb"})
    if len(word) >= _MIN_VERB and _VERB.match(word):
        return frozenset({"verb"})
    if word in term.forms or any(word.removeprefix(f) in _CLEAR_PARTICLES for f in term.forms):
        return frozenset({"noun"})
    return frozenset({"noun", "verb"})


def class_of(alignment: Alignment) -> str:
    """Return the class of a pair that fails ``content``."""
    left, right = ([kinds(t) for t in lone if not t.light] for lone in unmatched(alignment))
    if not left or not right:
        return "added"
    return "exchanged" if frozenset().union(*left) & frozenset().union(*right) else "reworded"


def measure(name: str, vectors: Vectors) -> dict[str, dict[str, dict[str, float | None]]]:
    """Shares of the same and different pairs of a set that each class adds, by threshold."""
    found = pairs.load(name, vectors)
    counts: Counter[tuple[str, float, bool]] = Counter()
    for pair in found:
        left, right = read(pair.left), read(pair.right)
        if left is None or right is None:
            continue
        alignment = align(left, right)
        if [c.name for c in run_checks(alignment) if not c.passed] != ["content"]:
            continue
        similarity = float(vectors[pair.left] @ vectors[pair.right])
        probability = classifiers()[left.language].probability(features(alignment, similarity))
        counts.update((class_of(alignment), t, pair.same) for t in THRESHOLDS if probability >= t)
    totals = Counter(p.same for p in found)
    return {
        kind: {
            f"{t:.2f}": {
                "same": round(counts[kind, t, True] / totals[True], 4) if totals[True] else None,
                "different": round(counts[kind, t, False] / totals[False], 4),
            }
            for t in THRESHOLDS
        }
        for kind in CLASSES
    }


def main() -> None:
    """Measure, print a table, and write ``results/``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/septet", help="models, embeddings"
    )
    arguments = parser.parse_args()
    names = available()
    vectors = pairs.embed(names, arguments.cache)
    results = {name: measure(name, vectors) for name in names}
    table = _table(results)
    print(table)
    (RESULTS / "content_only.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "content_only.md").write_text(
        f"# Pairs that fail `content` alone\n\n{__doc__}\n{table}\n", encoding="utf-8"
    )


def _table(results: dict[str, dict[str, dict[str, dict[str, float | None]]]]) -> str:
    heads = " | ".join(f"{kind}, ≥ {t:.2f}" for kind in CLASSES for t in THRESHOLDS)
    lines = [f"| set (same / different) | {heads} |", "| --- |" + " --- |" * (len(CLASSES) * len(THRESHOLDS))]
    for name, by_class in results.items():
        cells = [
            " / ".join("–" if s is None else f"{100 * s:.2f} %" for s in by_class[kind][f"{t:.2f}"].values())
            for kind in CLASSES
            for t in THRESHOLDS
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
