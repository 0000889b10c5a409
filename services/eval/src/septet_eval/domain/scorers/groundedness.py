"""Groundedness: whether the passages support the answer."""

from __future__ import annotations

from septet_contracts import Score

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded
from septet_eval.domain.text import coverage, numbers, terms


def groundedness(case: Case) -> Score | None:
    """The guardrail's score if there is one, else the mean coverage of the sentences by the passages.

    Both have the same scale. The guardrail's score is better because it also compares meanings.
    """
    if not (case.answered and case.answer and case.passages):
        return None
    for verdict in reversed(case.verdicts):
        if verdict.rail == "groundedness" and verdict.stage == "output" and verdict.score is not None:
            return Score(
                name="groundedness",
                value=rounded(verdict.score),
                label=verdict.decision,
                explanation="the guardrail's score; its verdict gives the reason",
                scorer="guardrails",
            )
    shares = [_support(s.text, case) for s in case.sentences]
    if not shares:
        return None
    value = sum(shares) / len(shares)
    return Score(
        name="groundedness",
        value=rounded(value),
        scorer="groundedness/1 coverage",
        explanation=f"{sum(s >= 0.5 for s in shares)} of {len(shares)} sentences supported by a passage",
    )


def _support(sentence: str, case: Case) -> float:
    """Best coverage of a sentence by one passage, halved if no passage contains one of its numbers."""
    wanted = terms(sentence)
    if not wanted:
        return 1.0
    best = max(coverage(wanted, given) for given in case.passage_terms)
    known = frozenset[str]().union(*case.passage_numbers)
    return best if numbers(sentence) <= known else best / 2
