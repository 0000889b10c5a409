"""Groundedness: how well the passages support a sentence, or a value of a JSON answer."""

from septet_guardrails.domain.grounding.leaves import Leaf, leaves, score_leaf
from septet_guardrails.domain.grounding.support import Evidence, Support, score_passages, score_sentence

__all__ = ["Evidence", "Leaf", "Support", "leaves", "score_leaf", "score_passages", "score_sentence"]
