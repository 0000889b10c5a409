"""Measure the semantic hits of the cache on pairs of questions, compared with a similarity threshold alone.

    python -m benchmarks.cache.measure

Served: share of the pairs with the same meaning that are hits. False hits: share of the pairs with different meanings
that are hits. Wrong: share of the hits that are false (sets with both kinds of pairs). Sets without paraphrases pair
each question with the nearest one of another intent or passage.

- *Held out*: the shipped classifier on the half of each set that it was not trained on.
- *Left out*: a classifier trained on the other sets of the language, on all pairs of the set. The word lists and rules
  were written with the training halves in view.
- *Support questions*: hand-made paraphrases and minimal pairs in two halves of different domains. The lists and rules were
  written with the development half in view. The test half was written before them, except its pairs with
  different meanings in other wording, which were added before the last rules. One author wrote both halves.
- *Similarity alone*: every pair above one cosine is served. The cosine reaches the hit rate of the cache on the
  forum pairs of the language.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from septet_cache.domain.classifier import ParaphraseClassifier, classifiers
from septet_cache.domain.features import features
from septet_cache.domain.fit_classifier import Pair, Row, Vectors, rates, train
from septet_cache.domain.fit_classifier import rows as rows_of
from septet_cache.domain.reading import read
from septet_cache.domain.verify import align, run_checks

from benchmarks.cache import pairs
from benchmarks.cache.train import FALSE_HITS, WEIGHTS
from benchmarks.data import data_dir

RESULTS = Path(__file__).parent / "results"
REFERENCE = {"en": "qqp", "ko": "korean_question_pair"}
KINDS = {
    "qqp": "forum pairs",
    "korean_question_pair": "chat pairs",
    "paws_en": "adversarial",
    "paws_ko": "adversarial",
    "banking77": "nearest other intent",
    "clinc150": "nearest other intent",
    "tydiqa_en": "nearest other question",
    "tydiqa_ko": "nearest other question",
} | {name: f"support questions, {half} half" for name, (_, half) in pairs.HANDMADE.items()}


@dataclass(frozen=True)
class Checked:
    """A pair, its cosine, the checks that rejected it, and its features if none did."""

    pair: Pair
    similarity: float
    objections: tuple[str, ...]
    values: tuple[float, ...] = ()

    def is_served(self, classifier: ParaphraseClassifier) -> bool:
        return bool(self.values) and classifier.probability(self.values) >= classifier.threshold


def check(pair: Pair, similarity: float) -> Checked:
    """Run the checks on a pair as the cache does."""
    left, right = read(pair.left), read(pair.right)
    if left is None or right is None:
        return Checked(pair, similarity, ("language",))
    alignment = align(left, right)
    failed = tuple(c.name for c in run_checks(alignment) if not c.passed)
    return Checked(pair, similarity, failed, () if failed else features(alignment, similarity))


def rates_of(found: list[Checked], served: list[bool]) -> dict[str, float | int | None]:
    """The rates of :func:`septet_cache.domain.fit_classifier.rates`."""
    return rates([c.pair.same for c in found], served)


def left_out(
    name: str, checked: list[Checked], rows: Mapping[str, list[Row]]
) -> dict[str, float | int | None]:
    """Rates on a whole set of a classifier that was trained on the other sets of its language."""
    weights = WEIGHTS[pairs.LANGUAGES[name]]
    others = {n: rows[n] for n in weights if n != name and n in rows}
    model = ParaphraseClassifier.model_validate(train(others, weights, FALSE_HITS))
    return rates_of(checked, [c.is_served(model) for c in checked])


def measure(vectors: Vectors) -> dict[str, dict[str, object]]:
    """Measure every set whose file exists."""
    names = available()
    loaded = {name: pairs.load(name, vectors) for name in names}
    checked = {
        name: [check(p, float(vectors[p.left] @ vectors[p.right])) for p in found]
        for name, found in loaded.items()
    }
    rows = {n: rows_of(loaded[n], vectors) for weights in WEIGHTS.values() for n in weights if n in names}
    cosines = {
        language: _equal_hits(language, checked[name])
        for language, name in REFERENCE.items()
        if name in names
    }
    results: dict[str, dict[str, object]] = {}
    for name, found in checked.items():
        language = pairs.LANGUAGES[name]
        held = [c for c in found if name not in rows or not c.pair.training]
        served = [c.is_served(classifiers()[language]) for c in held]
        rejected = [
            c.objections or ("second_opinion",)
            for c, s in zip(held, served, strict=True)
            if not s and not c.pair.same
        ]
        results[name] = {
            "language": language,
            "kind": KINDS[name],
            "held_out": rates_of(held, served),
            "left_out": left_out(name, found, rows),
            "similarity_alone": {"cosine": round(cosines[language], 4)}
            | rates_of(held, [c.similarity >= cosines[language] for c in held]),
            "objections_to_different": dict(Counter(o for objections in rejected for o in objections)),
        }
        print(name, json.dumps(results[name]["held_out"]), flush=True)
    return results


def available() -> list[str]:
    """Return the sets whose file exists; print the others."""
    missing = [n for n, file in pairs.SETS.items() if not (data_dir() / file).exists()]
    for name in missing:
        print(f"skipped: {name}")
    return [n for n in pairs.SETS if n not in missing] + list(pairs.HANDMADE)


def _equal_hits(language: str, found: list[Checked]) -> float:
    """The cosine at which similarity alone reaches the hit rate of the cache on the reference set."""
    held = [c for c in found if not c.pair.training]
    hit = rates_of(held, [c.is_served(classifiers()[language]) for c in held])["served"] or 0.0
    return float(np.quantile([c.similarity for c in held if c.pair.same], 1 - hit))


def main() -> None:
    """Measure, print a table, and write ``results/``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/septet", help="models, embeddings"
    )
    parser.add_argument("--no-write", action="store_true", help="print only")
    arguments = parser.parse_args()
    results = measure(pairs.embed(available(), arguments.cache))
    table = _table(results)
    print(table)
    if not arguments.no_write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "verification.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "verification.md").write_text(f"# Semantic hits\n\n{__doc__}\n{table}\n", encoding="utf-8")


_COLUMNS = (
    ("held_out", "served"),
    ("held_out", "false_hits"),
    ("held_out", "wrong"),
    ("left_out", "served"),
    ("left_out", "false_hits"),
    ("left_out", "wrong"),
    ("similarity_alone", "false_hits"),
)


def _table(results: dict[str, dict[str, object]]) -> str:
    lines = [
        "| set | language | pairs | held out: served | false hits | wrong | left out: served | false hits | wrong"
        " | similarity alone: false hits |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, found in results.items():
        held = found["held_out"]
        assert isinstance(held, dict)
        cells = [f"{name} ({found['kind']})", found["language"], held["pairs"]]
        for part, value in _COLUMNS:
            measured = found[part]
            assert isinstance(measured, dict)
            cells.append("–" if measured[value] is None else f"{100 * measured[value]:.2f} %")
        lines.append("| " + " | ".join(str(c) for c in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
