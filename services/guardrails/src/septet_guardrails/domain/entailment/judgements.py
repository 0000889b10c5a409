"""The scores of an entailment model that a review uses, and the pairs whose scores it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from septet_guardrails.domain.entailment.calibration import Calibration
from septet_guardrails.domain.entailment.pair import Pair
from septet_guardrails.domain.grounding.support import Support

_UNSUPPORTED = "not supported according to the model"
# From this score on, a model without a threshold is taken to find support. It only reports.
_EVEN = 0.5
# A passage that the rules give less cannot become a citation, whatever the model says (`both`).
_LEAST = 0.3
_MAX_CITED = 8


@dataclass(frozen=True)
class Judged:
    """The support of a claim by each passage.

    Attributes:
        supports: in the order of the passages.
        doubted: whether a model that only reports finds no support.
        by_rules: whether the rules decide although the model should.
    """

    supports: tuple[Support, ...]
    doubted: bool = False
    by_rules: bool = False


class Judgements:
    """Scores that are known for one review.

    The rules decide on a pair without a score, and ``missing`` collects it: the caller asks the model and repeats the
    review.

    Args:
        method: ``model`` replaces the rules; ``both`` takes the lower of the two probabilities.
        threshold: of the rail.
        calibration: of the model.
        scores: known scores.
        limit: most passages per claim that the model reads, besides the cited ones.
    """

    def __init__(
        self,
        method: Literal["model", "both"],
        threshold: float,
        calibration: Calibration,
        scores: Mapping[Pair, float],
        limit: int,
    ) -> None:
        self._both = method == "both"
        self._least = min(threshold, _LEAST)
        self._calibration = calibration
        self._scores = scores
        self._limit = limit
        self._missing: dict[Pair, None] = {}

    @property
    def missing(self) -> tuple[Pair, ...]:
        """Pairs without a score, in the order in which the review needed them."""
        return tuple(self._missing)

    def judge(
        self, claim: str, premises: Sequence[str], supports: Sequence[Support], cited: Sequence[int] = ()
    ) -> Judged:
        """Combine the support of a claim by the rules with the verdicts of the model.

        Args:
            claim: see :func:`claim_of`.
            premises: the passages, see :func:`premise_of`.
            supports: by the rules, in the order of the passages.
            cited: numbers of the passages that the sentence cites.
        """
        pairs = {at: Pair(premises[at], claim) for at in self._candidates(supports, cited)}
        scores = {at: self._score(pair) for at, pair in pairs.items()}
        known = [score for score in scores.values() if score is not None]
        if not known:
            return Judged(tuple(supports), by_rules=bool(pairs))
        if not self._calibration.decides(next(iter(pairs.values()))):
            return Judged(tuple(supports), doubted=max(known) < _EVEN)
        judged = (
            self._combined(support, pairs.get(at), scores.get(at)) for at, support in enumerate(supports)
        )
        return Judged(tuple(judged), by_rules=len(known) < len(scores))

    def _candidates(self, supports: Sequence[Support], cited: Sequence[int]) -> list[int]:
        """Return the places of the passages that the model reads: the cited ones and the best by the rules."""
        best = sorted(range(len(supports)), key=lambda at: -supports[at].probability)[: self._limit]
        own = [number - 1 for number in cited if 1 <= number <= len(supports)][:_MAX_CITED]
        return [at for at in dict.fromkeys([*own, *best]) if self._is_needed(supports[at])]

    def _is_needed(self, support: Support) -> bool:
        return not self._both or support.probability >= self._least

    def _score(self, pair: Pair) -> float | None:
        score = self._scores.get(pair)
        if score is None and pair.is_readable:
            self._missing[pair] = None
        return score

    def _combined(self, support: Support, pair: Pair | None, score: float | None) -> Support:
        if pair is None:
            return replace(support, probability=0.0) if self._is_needed(support) else support
        if score is None:
            return support
        probability = self._calibration.probability(pair, score)
        flaws = (_UNSUPPORTED,) if probability < _EVEN else ()
        if not self._both:
            return replace(support, probability=probability, flaws=flaws)
        return replace(
            support, probability=min(probability, support.probability), flaws=(*support.flaws, *flaws)
        )
