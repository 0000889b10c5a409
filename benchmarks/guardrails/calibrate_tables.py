"""Fit the weights of table look-ups, and report pass rates on pairs of a true and a false statement.

    SEPTET_DATA=… python -m benchmarks.guardrails.calibrate_tables [--write]

Reported are the shipped weights, and weights that were fitted without the reported set: on the other sets, and by
five folds over the tables of a set. ``--write`` writes the weights to ``calibration.py``.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from septet_guardrails.domain.grounding import Evidence, calibration, leaves, score_leaf, score_sentence
from septet_guardrails.domain.grounding.lookup import ReadTable, row_features
from septet_guardrails.domain.grounding.tables import split_tables
from sklearn.linear_model import LogisticRegression

from benchmarks.guardrails.calibrate_groundedness import write
from benchmarks.guardrails.sets import save
from benchmarks.guardrails.table_sets import Pair, made, made_values, tabfact

FEATURES = tuple(name for name in calibration.TABLE if name != "bias")
THRESHOLD = 0.5
# Weights are set for few false statements: a false one counts this many times a true one.
FALSE_WEIGHT = 2.5
# Generated statements follow few templates. Human ones count this many times as much.
HUMAN_WEIGHT = 3.0
_FOLDS = 5
_ROUNDS = 5

Matrix = NDArray[np.float64]
Scores = list[tuple[float, float]]
Statement = tuple[Matrix, float, str]


def family(pair: Pair) -> str:
    """The data set of a pair: the unit that is left out."""
    return pair.group.split()[0]


def measured(pairs: Sequence[Pair]) -> list[Statement]:
    """Features by row, label and set of each statement. True statements about another table are false, too."""
    read: dict[str, ReadTable] = {}
    for pair in pairs:
        if pair.table not in read:
            read[pair.table] = ReadTable(split_tables(pair.table)[0][0])
    found = []
    for pair, other in zip(pairs, [*pairs[-7:], *pairs[:-7]], strict=True):
        for text, table, label in (
            (pair.true, pair.table, 1.0),
            (pair.false, pair.table, 0.0),
            (pair.true, other.table, 0.0 if other.table != pair.table else 1.0),
        ):
            rows = row_features(text, read[table])
            found.append((np.array([[row[name] for name in FEATURES] for row in rows]), label, family(pair)))
    return found


def fit(statements: Sequence[Statement]) -> dict[str, float]:
    """Logistic regression of the best row of each statement, in rounds, with a fixed total weight for each set.

    Weights that are not negative become zero.
    """
    labels = np.array([label for _, label, _ in statements])
    counts = Counter((name, label) for _, label, name in statements)
    human = {name: HUMAN_WEIGHT if name == "tabfact" else 1.0 for name, _ in counts}
    share = np.array(
        [human[name] * (1.0 if y else FALSE_WEIGHT) * 200 / counts[name, y] for _, y, name in statements]
    )
    weights = np.full(len(FEATURES), -1.0)
    bias = 0.0
    for _ in range(_ROUNDS):
        matrix = np.array([rows[int(np.argmax(rows @ weights))] for rows, _, _ in statements])
        use = list(range(len(FEATURES)))
        while True:
            model = LogisticRegression(C=10.0, max_iter=1000).fit(matrix[:, use], labels, sample_weight=share)
            wrong = [at for at, weight in zip(use, model.coef_[0], strict=True) if weight > 0]
            if not wrong:
                break
            use = [at for at in use if at not in wrong]
        weights = np.zeros(len(FEATURES))
        weights[use], bias = model.coef_[0], float(model.intercept_[0])
    return {"bias": round(bias, 3)} | {n: round(float(w), 3) for n, w in zip(FEATURES, weights, strict=True)}


def scores(pairs: Iterable[Pair], weights: Mapping[str, float]) -> Scores:
    """Probabilities of both statements of each pair, as the rail computes them with these weights."""
    with patch.dict(calibration.TABLE, weights):
        found = []
        for pair in pairs:
            evidence = [Evidence.of(1, pair.table)]
            right, wrong = (score_sentence(t, evidence, "").probability for t in (pair.true, pair.false))
            found.append((right, wrong))
        return found


def value_scores(weights: Mapping[str, float]) -> dict[str, Scores]:
    """Probabilities of the weakest values of generated JSON objects, by group."""
    found: dict[str, Scores] = defaultdict(list)
    with patch.dict(calibration.TABLE, weights):
        for pair in made_values():
            evidence = [Evidence.of(1, pair.table)]
            right, wrong = (
                min((score_leaf(leaf, evidence, "") for leaf in leaves(v, {})), default=1.0)
                for v in (pair.true, pair.false)
            )
            found[pair.group].append((right, wrong))
    return found


def rates(found: Scores) -> dict[str, float]:
    """Shares of true and of false statements that pass, and of pairs whose true statement scores higher."""
    right, wrong = np.array(found).T
    return {
        "n": len(found),
        "true_pass": round(float((right >= THRESHOLD).mean()), 3),
        "false_pass": round(float((wrong >= THRESHOLD).mean()), 3),
        "true_higher": round(float((right > wrong).mean()), 3),
    }


def by_group(pairs: Sequence[Pair], score: Callable[[Sequence[Pair]], Scores]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.group].append(pair)
    return {group: rates(score(mine)) for group, mine in sorted(groups.items())}


def by_folds(pairs: Sequence[Pair], others: Sequence[Pair]) -> dict[str, dict[str, float]]:
    """Rates with weights that were fitted on other sets and on the tables of the other folds of the same set."""
    folds = [zlib.crc32(pair.source.encode()) % _FOLDS for pair in pairs]
    found: dict[str, Scores] = defaultdict(list)
    for fold in range(_FOLDS):
        seen = [p for p, f in zip(pairs, folds, strict=True) if f != fold and _is_look_up(p)]
        weights = fit(measured([*seen, *others]))
        held = [p for p, f in zip(pairs, folds, strict=True) if f == fold]
        for pair, both in zip(held, scores(held, weights), strict=True):
            found[pair.group].append(both)
    return {group: rates(both) for group, both in sorted(found.items())}


def _is_look_up(pair: Pair) -> bool:
    return " other," not in pair.group


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="write the weights into the package")
    arguments = parser.parse_args()
    began = time.monotonic()
    pairs = [*tabfact(), *made("en"), *made("ko")]
    families = sorted({family(pair) for pair in pairs})
    weights = fit(measured([p for p in pairs if _is_look_up(p)]))
    without = {}
    for left_out in families:
        others = fit(measured([p for p in pairs if family(p) != left_out and _is_look_up(p)]))
        mine = [p for p in pairs if family(p) == left_out]
        without[left_out] = {"weights": others, **by_group(mine, partial(scores, weights=others))}
    body = {
        "weights": weights,
        "shipped": by_group(pairs, partial(scores, weights=weights))
        | {group: rates(found) for group, found in sorted(value_scores(weights).items())},
        "fitted_on_other_sets": without,
        "tabfact_fitted_on_other_tables": by_folds(
            [p for p in pairs if family(p) == "tabfact"], [p for p in pairs if family(p) != "tabfact"]
        ),
    }
    save("tables", {**body, "seconds": round(time.monotonic() - began)})
    if arguments.write:
        write({"TABLE": weights})


if __name__ == "__main__":
    main()
