"""Fit the groundedness regressions on part A of each set and report AUC on parts A and B.

    SEPTET_DATA=… python -m benchmarks.guardrails.calibrate_groundedness [--write]

The score of an answer is the probability of its weakest sentence. ``--write`` writes the weights to ``septet_guardrails/domain/grounding/calibration.py``.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from septet_guardrails.domain.grounding import Evidence, calibration, score_sentence
from septet_guardrails.domain.text import split_sentences
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.guardrails.groundedness_sets import Claim, claims
from benchmarks.guardrails.sets import save

FEATURES = ("sentence", "passage", "order", "numbers", "names", "negation", "apart", "swapped")
# The Korean paraphrases were translated separately, so their names and numbers differ in spelling, unlike those of an
# answer and its passage. Coverage is therefore fitted on sentences of other texts, and the penalties are set by hand:
# a foreign number or a negation outweighs any coverage, and full coverage slightly outweighs a foreign topic.
COVERAGE = ("sentence", "passage")
COVERAGE_GROUPS = frozenset({"made foreign ko", "paws foreign ko"})
PENALTIES = {"numbers": 1.2, "negation": 1.2, "names": 1.0, "apart": 2.0}
# No feature can tell a name of the same passage from the right one, so these claims would only move the bias.
REPORTED_ONLY = frozenset({"made moved name en", "made moved name ko"})
THRESHOLDS = (0.3, 0.4, 0.5)
# Features with a positive effect by their meaning. A weight of the wrong sign is noise and is set to zero.
POSITIVE = frozenset({"sentence", "passage", "order"})


@dataclass(frozen=True)
class Row:
    """A claim and the features of each of its sentences."""

    claim: Claim
    features: list[Mapping[str, float]]

    @property
    def korean(self) -> bool:
        return self.claim.group.endswith(" ko")


def measure(found: list[Claim]) -> list[Row]:
    """Features of every sentence of every claim."""
    measured = []
    for claim in found:
        evidence = [Evidence.of(1, claim.passage)]
        sentences = [s.text for s in split_sentences(claim.text, 40)]
        if sentences:
            measured.append(
                Row(claim, [score_sentence(s, evidence, claim.question).features for s in sentences])
            )
    return measured


def fit_korean(rows: list[Row]) -> dict[str, float]:
    """Fit coverage on data; set penalties as multiples of the logit of a fully covered sentence."""
    found = fit([r for r in rows if r.claim.group in COVERAGE_GROUPS], COVERAGE)
    full = found["bias"] + sum(found[name] for name in COVERAGE)
    return found | {name: round(-full * times, 3) for name, times in PENALTIES.items()}


def fit(rows: list[Row], features: tuple[str, ...] = FEATURES) -> dict[str, float]:
    """Logistic regression with constrained signs and equal weights for all groups and both classes."""
    rows = [row for row in rows if row.claim.group not in REPORTED_ONLY]
    use = list(features)
    counts: dict[tuple[str, bool], int] = defaultdict(int)
    for row in rows:
        counts[row.claim.group, row.claim.supported] += len(row.features)
    per_class = [1000 / counts[r.claim.group, r.claim.supported] for r in rows for _ in r.features]
    sample = np.array(per_class)
    labels = np.array([r.claim.supported for r in rows for _ in r.features])
    while True:
        matrix = np.array([[f[name] for name in use] for r in rows for f in r.features])
        model = LogisticRegression(C=1.0, max_iter=500).fit(matrix, labels, sample_weight=sample)
        weights = dict(zip(use, model.coef_[0], strict=True))
        wrong = [name for name, w in weights.items() if (w > 0) != (name in POSITIVE) and w != 0]
        if not wrong:
            break
        use = [name for name in use if name not in wrong]
    full = {name: round(float(weights.get(name, 0.0)), 3) for name in FEATURES}
    return {"bias": round(float(model.intercept_[0]), 3), **full}


def score(row: Row, weights: Mapping[str, float]) -> float:
    """Probability of the weakest sentence."""
    return min(
        1 / (1 + float(np.exp(-weights["bias"] - sum(weights[n] * f[n] for n in FEATURES))))
        for f in row.features
    )


def report(rows: list[Row], weights: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """AUC, and at each threshold the share of unsupported answers caught and of supported answers rejected."""
    found: dict[str, dict[str, float]] = {}
    for group in sorted({r.claim.group for r in rows}):
        mine = [r for r in rows if r.claim.group == group]
        labels = np.array([r.claim.supported for r in mine])
        scores = np.array([score(r, weights) for r in mine])
        found[group] = {
            "n": len(mine),
            "auc": round(float(roc_auc_score(labels, scores)), 3),
        }
        for t in THRESHOLDS:
            found[group][f"caught@{t}"] = round(float((scores[~labels] < t).mean()), 3)
            found[group][f"refused_wrongly@{t}"] = round(float((scores[labels] < t).mean()), 3)
    return found


def write(fitted: Mapping[str, Mapping[str, float]]) -> None:
    """Replace weights of the package: by the name of their constant."""
    path = Path(calibration.__file__)
    text = path.read_text(encoding="utf-8")
    head = text.split("ENGLISH:")[0]
    known = {name: getattr(calibration, name) for name in ("ENGLISH", "KOREAN", "TABLE")}
    blocks = [
        f"{name}: Mapping[str, float] = {{\n"
        + "".join(f'    "{key}": {value},\n' for key, value in weights.items())
        + "}\n"
        for name, weights in (known | dict(fitted)).items()
    ]
    path.write_text(head + "".join(blocks), encoding="utf-8")


def family(row: Row) -> str:
    """The data set of a claim: the unit that is left out."""
    return row.claim.group.split()[0]


def leave_one_out(rows: list[Row], *, korean: bool) -> dict[str, dict[str, dict[str, float]]]:
    """Figures of each set with weights that were fitted on part A of the other sets."""
    found = {}
    for left_out in sorted({family(row) for row in rows}):
        others = [row for row in rows if family(row) != left_out and row.claim.part == "a"]
        weights = fit_korean(others) if korean else fit(others)
        found[left_out] = report([row for row in rows if family(row) == left_out], weights)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="write the weights into the package")
    arguments = parser.parse_args()
    began = time.monotonic()
    measured = measure(claims())
    languages = {k: [r for r in measured if r.korean is k] for k in (False, True)}
    tuned = {k: [r for r in found if r.claim.part == "a"] for k, found in languages.items()}
    weights = {False: fit(tuned[False]), True: fit_korean(tuned[True])}
    body = {
        name: {
            "weights": weights[k],
            "tuned_on_part_a": report([r for r in languages[k] if r.claim.part == "a"], weights[k]),
            "checked_on_part_b": report([r for r in languages[k] if r.claim.part == "b"], weights[k]),
            "fitted_on_other_sets": leave_one_out(languages[k], korean=k),
        }
        for name, k in (("english", False), ("korean", True))
    }
    save("groundedness", {**body, "seconds": round(time.monotonic() - began)})
    if arguments.write:
        write({"ENGLISH": weights[False], "KOREAN": weights[True]})


if __name__ == "__main__":
    main()
