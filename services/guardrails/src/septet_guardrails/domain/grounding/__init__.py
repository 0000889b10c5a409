"""Groundedness: how well the passages support a sentence of an answer."""

from septet_guardrails.domain.grounding.support import Evidence, Support, score_sentence

__all__ = ["Evidence", "Support", "score_sentence"]
