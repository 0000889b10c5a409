"""Fits and checks the coefficients of the answerability classifier. Needs the extra ``calibrate``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from septet_kit.calibration import fold_of

from septet_retrieval.domain.answerability import Kind

Group = Literal["answerable", "unfound", "hard", "easy"]
"""``answerable``: a relevant document is among the passages; ``unfound``: none is, though the corpus has one; ``hard``:
the passages without the answer; ``easy``: a question about another subject."""

FEATURES: dict[Kind, tuple[str, ...]] = {
    # Chosen by the figures of benchmarks.answerability.ideas.
    "semantic": ("rare_evidence", "rare_margin"),
    "lexical": ("sentence_coverage", "passage_coverage", "union_coverage", "name_coverage"),
    "foreign": ("sentence_coverage", "passage_coverage", "lead_coverage"),
}
# Answerable and unanswerable questions have the same total weight. Easy ones are separated with any weight.
SHARES: Mapping[Group, float] = {"answerable": 0.5, "hard": 0.4, "easy": 0.1}
SHARES_WITHOUT_EASY: Mapping[Group, float] = {"answerable": 0.5, "hard": 0.5}
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9)
_LEAST_SCALE = 1e-9


@dataclass(frozen=True)
class Example:
    """One question with one list of passages, and the features of each kind of evidence."""

    question: str
    group: Group
    features: Mapping[Kind, Mapping[str, float]]

    @property
    def answerable(self) -> bool:
        return self.group == "answerable"


Scored = Sequence[tuple[Example, float]]
"""Examples with the probability of an answer."""


def fit(
    kind: Kind,
    learned: Mapping[str, Sequence[Example]],
    shares: Mapping[Group, float] = SHARES,
    names: Sequence[str] = (),
) -> dict[str, float]:
    """Coefficients on the raw features, by default those of the kind. Each set has the same weight."""
    from sklearn.linear_model import LogisticRegression

    names = names or FEATURES[kind]
    rows = [
        (name, e)
        for name, seen in learned.items()
        for e in seen
        if e.group in shares and e.features.get(kind)
    ]
    counts = Counter((name, e.group) for name, e in rows)
    values = np.array([[e.features[kind][feature] for feature in names] for _, e in rows])
    mean, scale = values.mean(axis=0), values.std(axis=0)
    # The deviation of a constant feature is zero, except for rounding.
    scale[scale < _LEAST_SCALE] = 1.0
    weights = np.array([shares[e.group] / counts[name, e.group] for name, e in rows])
    model = LogisticRegression(C=10.0, max_iter=2000).fit(
        (values - mean) / scale,
        [e.answerable for _, e in rows],
        sample_weight=weights * len(rows) / weights.sum(),
    )
    raw = model.coef_[0] / scale
    fitted = {"intercept": model.intercept_[0] - raw @ mean, **dict(zip(names, raw, strict=True))}
    return {name: round(float(value), 4) for name, value in fitted.items()}


def probability(model: Mapping[str, float], features: Mapping[str, float]) -> float:
    """The probability of an answer, as the classifier computes it."""
    logit = model["intercept"] + sum(
        value * features[name] for name, value in model.items() if name != "intercept"
    )
    return float(1 / (1 + np.exp(-logit)))


def scored(kind: Kind, model: Mapping[str, float], seen: Sequence[Example]) -> Scored:
    """The examples with their probabilities by one model. An example without passages has no features: 0."""
    return [(e, probability(model, e.features[kind]) if e.features.get(kind) else 0.0) for e in seen]


def scored_by_folds(
    kind: Kind, seen: Sequence[Example], folds: int, shares: Mapping[Group, float]
) -> list[tuple[Example, float]]:
    """The examples with their probabilities by a model that was fitted without their fold.

    Examples of one question are in the same fold.
    """
    found: list[tuple[Example, float]] = []
    for fold in range(folds):
        learned = [e for e in seen if fold_of(e.question, folds) != fold]
        held = [e for e in seen if fold_of(e.question, folds) == fold]
        if held:
            found += scored(kind, fit(kind, {"": learned}, shares), held)
    return found


def figures(found: Scored, threshold: float) -> dict[str, Any]:
    """AUC against all, hard and easy unanswerable questions, the answered share at each threshold, both end to end."""
    present = _above(found, threshold, "answerable", "unfound")
    return {
        "questions": dict(Counter(e.group for e, _ in found)),
        "auc": _auc(found, "hard", "easy"),
        "auc_hard": _auc(found, "hard"),
        "auc_easy": _auc(found, "easy"),
        "answered_at_threshold": {
            str(at): {group: _above(found, at, group) for group in SHARES} for at in THRESHOLDS
        },
        "end_to_end": {
            "threshold": threshold,
            "refused_with_the_documents": None if present is None else round(1 - present, 3),
            "answered_without_the_documents": _above(found, threshold, "hard"),
        },
    }


def share(values: Iterable[bool]) -> float | None:
    """Share of true values; None without values."""
    found = list(values)
    return round(float(np.mean(found)), 3) if found else None


def _above(found: Scored, threshold: float, *groups: Group) -> float | None:
    return share(p >= threshold for e, p in found if e.group in groups)


def _auc(found: Scored, *groups: Group) -> float | None:
    from sklearn.metrics import roc_auc_score

    chosen = [(e.answerable, p) for e, p in found if e.group in ("answerable", *groups)]
    labels = [label for label, _ in chosen]
    return round(float(roc_auc_score(labels, [p for _, p in chosen])), 4) if len(set(labels)) == 2 else None
