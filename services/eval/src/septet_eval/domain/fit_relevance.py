"""Fits and checks the scale and the weights of ``answer_relevance``. Needs the extra ``calibrate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from septet_kit.calibration import fold_of

from septet_eval.domain.scorers.relevance import Calibration
from septet_eval.domain.text import coverage, terms

Table = np.ndarray[Any, Any]
"""One row a pair. Columns: cosine, lexical coverage, relevant."""

WEIGHTS = tuple(np.arange(0, 1.01, 0.1))
# Of equal weights, the one that uses both parts most is chosen.
_EVEN = 0.5


@dataclass(frozen=True)
class Pair:
    """A question with its answer, or with the answer to another question of the same set."""

    question: str
    answer: str
    relevant: bool


def paired(answered: Sequence[tuple[str, str]]) -> list[Pair]:
    """Each question with its own answer, and with that of the next question."""
    others = [*answered[1:], *answered[:1]]
    return [
        Pair(q, a, relevant)
        for (q, own), (_, other) in zip(answered, others, strict=True)
        for a, relevant in ((own, True), (other, False))
    ]


def table_of(pairs: Sequence[Pair], questions: NDArray[np.float32], answers: NDArray[np.float32]) -> Table:
    """The features of pairs; ``questions`` and ``answers`` are the vectors of their texts, one row a pair."""
    return np.array(
        [
            (float(question @ answer), coverage(terms(p.question), terms(p.answer)), p.relevant)
            for p, question, answer in zip(pairs, questions, answers, strict=True)
        ]
    )


def scale(fitted: Sequence[Table], digits: int = 2) -> dict[str, float]:
    """Mean cosine of irrelevant and relevant answers: the mean of the tables' means."""
    return {
        name: round(float(np.mean([t[t[:, 2] == label][:, 0].mean() for t in fitted])), digits)
        for name, label in (("unrelated", 0), ("related", 1))
    }


def mixed(table: Table, calibration: Calibration, weight: float) -> Table:
    """The score of each pair with one weight of the cosine."""
    cosine, lexical, _ = table.T
    scaled = np.array([calibration.scaled(value) for value in cosine])
    score: Table = weight * scaled + (1 - weight) * lexical
    return score


def auc(relevant: Table, value: Table) -> float:
    """Probability that a relevant answer has the higher value."""
    from sklearn.metrics import roc_auc_score

    return round(float(roc_auc_score(relevant, value)), 4)


def auc_by_weight(table: Table, calibration: Calibration) -> dict[str, float]:
    """AUC of the score for each weight of the cosine."""
    return {f"{w:.1f}": auc(table[:, 2], mixed(table, calibration, w)) for w in WEIGHTS}


def above(table: Table, score: Table, floor: float) -> dict[str, float]:
    """Share of the relevant and of the irrelevant answers with a score of at least ``floor``."""
    return {
        name: round(float((score[table[:, 2] == label] >= floor).mean()), 3)
        for name, label in (("relevant", 1), ("irrelevant", 0))
    }


def fit(by_language: Mapping[str, Table], supported: Sequence[str]) -> Calibration:
    """The calibration of one model.

    Args:
        by_language: pairs in Latin script (``latin``) and in Korean (``korean``).
        supported: the languages that the model supports. Words alone are compared in the others, and in a language
            without pairs.

    Raises:
        ValueError: related answers are not closer than unrelated ones.
    """
    tables = {name: by_language[name] for name in supported if name in by_language}
    ends = Calibration(**scale(list(tables.values()), digits=4), weight=0, weight_korean=0)
    weights = {name: _best_weight(table, ends) for name, table in tables.items()}
    return ends.model_copy(
        update={"weight": weights.get("latin", 0.0), "weight_korean": weights.get("korean", 0.0)}
    )


def _best_weight(table: Table, calibration: Calibration) -> float:
    found = {float(weight): value for weight, value in auc_by_weight(table, calibration).items()}
    return max(found, key=lambda weight: (found[weight], -abs(weight - _EVEN)))


def scored_by_folds(
    pairs: Mapping[str, Sequence[Pair]], tables: Mapping[str, Table], supported: Sequence[str], folds: int
) -> dict[str, Table]:
    """The score of each pair by a calibration that was fitted without the fold of its question."""
    fold = {name: np.array([fold_of(p.question, folds) for p in found]) for name, found in pairs.items()}
    scores = {name: np.zeros(len(table)) for name, table in tables.items()}
    for held in range(folds):
        fitted = fit({name: table[fold[name] != held] for name, table in tables.items()}, supported)
        for name, table in tables.items():
            weight = fitted.weight_korean if name == "korean" else fitted.weight
            chosen = fold[name] == held
            if chosen.any():
                scores[name][chosen] = mixed(table[chosen], fitted, weight)
    return scores
