"""The second opinion: how likely two questions that passed every check ask the same.

Logistic regression over :func:`septet_cache.domain.features.features`, one model per language, with
coefficients in ``second_opinion.json`` (``benchmarks/cache/train.py`` makes them). It can only refuse:
what fails a check is never scored into a hit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from septet_cache.domain.features import FEATURES


class Opinion(BaseModel):
    """A fitted model: probability = sigmoid(intercept + sum of weight × (value - mean) / scale)."""

    model_config = ConfigDict(frozen=True)

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    intercept: float
    threshold: float

    def probability(self, values: Sequence[float]) -> float:
        """Probability, 0 to 1, that both questions have one answer."""
        terms = zip(self.weight, values, self.mean, self.scale, strict=True)
        z = self.intercept + sum(w * (v - m) / s for w, v, m, s in terms)
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, z))))


@cache
def opinions() -> dict[str, Opinion]:
    """Models by language.

    Raises:
        ValueError: the committed coefficients belong to other features than this code computes.
    """
    raw = json.loads((files("septet_cache.domain") / "second_opinion.json").read_text(encoding="utf-8"))
    models = {language: Opinion.model_validate(model) for language, model in raw["models"].items()}
    if any(model.features != FEATURES for model in models.values()):
        raise ValueError("second_opinion.json was trained on other features: run benchmarks/cache/train.py")
    return models


@cache
def calibrated_for() -> str:
    """Name of the embeddings model whose similarities the coefficients were fitted to."""
    raw = json.loads((files("septet_cache.domain") / "second_opinion.json").read_text(encoding="utf-8"))
    return str(raw["embeddings_model"])
