"""Profanity by alt-profanity-check (a linear model on scikit-learn); loaded when first asked."""

from __future__ import annotations

from functools import cached_property
from typing import Any

_MAX_CHARACTERS = 4_000


class ProfanityModel:
    """About 4 ms a text and 4 s to load, so policies turn it on by choice."""

    def __call__(self, text: str) -> float:
        return float(self._predict([text[:_MAX_CHARACTERS]])[0])

    @cached_property
    def _predict(self) -> Any:
        from profanity_check import predict_prob

        return predict_prob
