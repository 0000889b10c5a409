"""Answer relevance: whether the answer is about the question."""

from __future__ import annotations

from dataclasses import dataclass

from septet_contracts import Score
from septet_kit.embedding_models import base_name

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded
from septet_eval.domain.text import coverage


@dataclass(frozen=True)
class Calibration:
    """Scale and weight of one embedding model's cosines. ``benchmarks/eval/calibrate_relevance.py`` measures them.

    Attributes:
        unrelated: mean cosine of a question and the answer to another question; it counts as 0.
        related: mean cosine of a question and its own answer; it counts as 1.
        weight: share of the cosine in the score; the rest is the share of the question's terms.
        weight_korean: the same, for Korean answers.
    """

    unrelated: float
    related: float
    weight: float
    weight_korean: float

    def scaled(self, cosine: float) -> float:
        """The cosine between ``unrelated`` and ``related``, as 0 to 1."""
        return min(1.0, max(0.0, (cosine - self.unrelated) / (self.related - self.unrelated)))


CALIBRATIONS = {
    "multilingual-e5-small": Calibration(unrelated=0.77, related=0.89, weight=0.7, weight_korean=0.7),
    # The model supports no Korean.
    "all-MiniLM-L6-v2": Calibration(unrelated=0.12, related=0.7, weight=0.6, weight_korean=0.0),
}


def calibration_of(model: str) -> Calibration | None:
    """The calibration of a model, by its name with or without its owner."""
    return CALIBRATIONS.get(base_name(model))


def answer_relevance(case: Case) -> Score | None:
    """Weighted mean of the scaled cosine of question and answer and the share of the question's terms in the answer.

    Without embeddings, or with those of a model without a calibration, it is the lexical part alone, and ``scorer`` is
    ``answer_relevance/2 lexical``.
    """
    if not (case.answered and case.answer):
        return None
    lexical = coverage(case.question_terms, case.answer_terms)
    calibration = calibration_of(case.vector_model)
    if case.question_vector is None or case.answer_vector is None or calibration is None:
        return Score(
            name="answer_relevance",
            value=rounded(lexical),
            scorer="answer_relevance/2 lexical",
            explanation=f"question terms covered {lexical:.2f}; no embedding",
        )
    cosine = float(case.question_vector @ case.answer_vector)
    weight = calibration.weight_korean if case.korean else calibration.weight
    return Score(
        name="answer_relevance",
        value=rounded(weight * calibration.scaled(cosine) + (1 - weight) * lexical),
        scorer="answer_relevance/2",
        explanation=f"cosine {cosine:.2f}, question terms covered {lexical:.2f}",
    )
