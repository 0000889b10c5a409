"""Whether a sentence of an answer is supported by the passages it was made from."""

from septet_guardrails.domain.grounding.support import Evidence, Support, judge_sentence

__all__ = ["Evidence", "Support", "judge_sentence"]
