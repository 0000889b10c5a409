"""The scores from which on an entailment model decides, by language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from septet_guardrails.domain.entailment.pair import Pair


@dataclass(frozen=True)
class Calibration:
    """Thresholds of a model by language, between 0 and 1. Without one, the model reports and does not decide.

    Attributes:
        thresholds: least score of a supported claim.
        version: digest of the thresholds.
    """

    thresholds: Mapping[str, float]
    version: str = ""

    def decides(self, pair: Pair) -> bool:
        """Whether the model decides on claims in the language of the pair."""
        return pair.language in self.thresholds

    def probability(self, pair: Pair, score: float) -> float:
        """Map a score onto the scale of the rules, on which the calibrated threshold is 0.5."""
        threshold = self.thresholds[pair.language]
        if score < threshold:
            # A score next to the threshold must not be rounded up to it.
            return min(0.4999, round(0.5 * score / threshold, 4))
        return round(0.5 + 0.5 * (score - threshold) / (1 - threshold), 4)


UNCALIBRATED = Calibration({})
