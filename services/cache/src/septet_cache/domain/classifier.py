"""Paraphrase classifier: the probability that two questions have the same meaning.

A logistic regression over :func:`septet_cache.domain.features.features`, one per language.
``benchmarks/cache/train.py`` writes its coefficients to ``classifier.json``, and ``septet calibrate`` those for another
embedding model to a file. The classifier runs only if all checks
passed, so it cannot make a hit of a pair that failed a check.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from septet_cache.domain.features import FEATURES


class ParaphraseClassifier(BaseModel):
    """Fitted coefficients: probability = sigmoid(intercept + sum of weight × (value - mean) / scale)."""

    model_config = ConfigDict(frozen=True)

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    intercept: float
    threshold: float

    def probability(self, values: Sequence[float]) -> float:
        """Return the probability, 0 to 1, that both questions have the same meaning."""
        terms = zip(self.weight, values, self.mean, self.scale, strict=True)
        z = self.intercept + sum(w * (v - m) / s for w, v, m, s in terms)
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, z))))


Classifiers = Mapping[str, ParaphraseClassifier]
"""By language."""


class FittedClassifiers(BaseModel):
    """The classifiers of a calibration file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, ParaphraseClassifier]

    @field_validator("models")
    @classmethod
    def _have_the_features(cls, models: dict[str, ParaphraseClassifier]) -> dict[str, ParaphraseClassifier]:
        for language, model in models.items():
            if model.features != FEATURES:
                raise ValueError(f"the classifier of {language} was fitted to other features")
            if not len(model.mean) == len(model.scale) == len(model.weight) == len(FEATURES):
                raise ValueError(f"the classifier of {language} has too few coefficients")
        return models


@cache
def classifiers() -> dict[str, ParaphraseClassifier]:
    """Load the classifiers by language.

    Raises:
        ValueError: the coefficients were trained on other features than :data:`FEATURES`.
    """
    models = {
        language: ParaphraseClassifier.model_validate(model)
        for language, model in _coefficients()["models"].items()
    }
    if any(model.features != FEATURES for model in models.values()):
        raise ValueError("classifier.json was trained on other features: run benchmarks/cache/train.py")
    return models


@cache
def calibrated_for() -> str:
    """Return the name of the embeddings model that the coefficients were trained with."""
    return str(_coefficients()["embeddings_model"])


def _coefficients() -> dict[str, Any]:
    text = (files("septet_cache.domain") / "classifier.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
