"""Answer relevance: whether the answer is about the question."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from septet_contracts import Score
from septet_kit.embedding_models import base_name

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded
from septet_eval.domain.text import coverage


class Calibration(BaseModel):
    """Scale and weight of one embedding model's cosines.

    ``benchmarks/eval/calibrate_relevance.py`` measures the shipped ones, ``septet calibrate`` those of other models.

    Attributes:
        unrelated: mean cosine of a question and the answer to another question; it counts as 0.
        related: mean cosine of a question and its own answer; it counts as 1.
        weight: share of the cosine in the score; the rest is the share of the question's terms.
        weight_korean: the same, for Korean answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unrelated: float
    related: float
    weight: Annotated[float, Field(ge=0, le=1)]
    weight_korean: Annotated[float, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def _ascends(self) -> Calibration:
        if self.related <= self.unrelated:
            raise ValueError("related answers are not closer than unrelated ones")
        return self

    def scaled(self, cosine: float) -> float:
        """The cosine between ``unrelated`` and ``related``, as 0 to 1."""
        return min(1.0, max(0.0, (cosine - self.unrelated) / (self.related - self.unrelated)))


Calibrations = Mapping[str, Calibration]
"""By the model's name without its owner."""

CALIBRATIONS: Calibrations = MappingProxyType(
    {
        "multilingual-e5-small": Calibration(unrelated=0.77, related=0.89, weight=0.7, weight_korean=0.7),
        # The model supports no Korean.
        "all-MiniLM-L6-v2": Calibration(unrelated=0.12, related=0.7, weight=0.6, weight_korean=0.0),
    }
)


def calibration_of(model: str, known: Calibrations = CALIBRATIONS) -> Calibration | None:
    """The calibration of a model, by its name with or without its owner."""
    return known.get(base_name(model))


def answer_relevance(case: Case, known: Calibrations = CALIBRATIONS) -> Score | None:
    """Weighted mean of the scaled cosine of question and answer and the share of the question's terms in the answer.

    Without embeddings, or with those of a model without a calibration, it is the lexical part alone, and ``scorer`` is
    ``answer_relevance/2 lexical``.
    """
    if not (case.answered and case.answer):
        return None
    lexical = coverage(case.question_terms, case.answer_terms)
    calibration = calibration_of(case.vector_model, known)
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
