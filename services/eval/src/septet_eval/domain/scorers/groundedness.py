"""Groundedness: whether the passages support the answer."""

from __future__ import annotations

from septet_contracts import Score

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded
from septet_eval.domain.text import coverage, numbers, terms


def groundedness(case: Case) -> Score | None:
    """The guardrail's score if there is one, else the coverage of the weakest sentence by a passage.

    Both have the same scale. The guardrail's score is better because it also compares subjects, units and denials.
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
    return Score(
        name="groundedness",
        value=rounded(min(shares)),
        scorer="groundedness/3 weakest coverage",
        explanation=f"{sum(s >= 0.5 for s in shares)} of {len(shares)} sentences supported by a passage",
    )


def _support(sentence: str, case: Case) -> float:
    """Best coverage of a sentence by one passage; a passage that lacks one of its numbers counts half."""
    wanted, stated = terms(sentence), numbers(sentence)
    if not wanted:
        return 1.0
    given = zip(case.passage_terms, case.passage_numbers, strict=True)
    return max(coverage(wanted, held) / (1 if stated <= known else 2) for held, known in given)
