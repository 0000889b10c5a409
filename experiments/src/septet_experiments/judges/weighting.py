"""G-Eval's weighting: the expected score under the judge's token probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence

from septet_experiments.judges.calls import Token
from septet_experiments.judges.errors import Unparsed

MIN_MASS = 0.5
"""Least probability of all scores together. Below it the judge was about to write something else."""


def weighted_score(tokens: Sequence[Token], low: int, high: int) -> float:
    """Expected score from ``low`` to ``high``, over the alternatives of the first token that is a score.

    The alternatives are those that the endpoint reports, usually up to 20; their probabilities are normalized to 1.

    Raises:
        Unparsed: no token is a score, or the scores have less probability than :data:`MIN_MASS`.
    """
    scores = {str(score): score for score in range(low, high + 1)}
    token = next((t for t in tokens if t.text.strip() in scores), None)
    if token is None:
        raise Unparsed("no token of the judge's reply is a score")
    mass: dict[int, float] = {}
    for text, logprob in token.alternatives:
        score = scores.get(text.strip())
        if score is not None:
            mass[score] = mass.get(score, 0.0) + math.exp(logprob)
    total = sum(mass.values())
    if total < MIN_MASS:
        raise Unparsed(f"scores have a probability of {total:.2f} together, less than {MIN_MASS:g}")
    return sum(score * p for score, p in mass.items()) / total


def preference(tokens: Sequence[Token], first: str = "m", second: str = "M") -> float:
    """AlpacaEval's weighted preference: probability of the second answer at the first token that is a verdict.

    Raises:
        Unparsed: no token is a verdict, or both verdicts have less probability than :data:`MIN_MASS`.
    """
    token = next((t for t in tokens if t.text.strip() in (first, second)), None)
    if token is None:
        raise Unparsed("no token of the judge's reply is a verdict")
    mass = {first: 0.0, second: 0.0}
    for text, logprob in token.alternatives:
        if text.strip() in mass:
            mass[text.strip()] += math.exp(logprob)
    total = sum(mass.values())
    if total < MIN_MASS:
        raise Unparsed(f"verdicts have a probability of {total:.2f} together, less than {MIN_MASS:g}")
    return mass[second] / total
