"""Entailment: the verdicts of a model on the claims of an answer, and how they combine with the rules."""

from septet_guardrails.domain.entailment.calibration import UNCALIBRATED, Calibration
from septet_guardrails.domain.entailment.judgements import Judgements
from septet_guardrails.domain.entailment.pair import Pair, claim_of, premise_of

__all__ = ["UNCALIBRATED", "Calibration", "Judgements", "Pair", "claim_of", "premise_of"]
