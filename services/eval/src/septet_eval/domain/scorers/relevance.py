"""Answer relevance: whether the answer is about the question."""

from __future__ import annotations

from septet_contracts import Score

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded
from septet_eval.domain.text import coverage

COSINE_WEIGHT = 0.7
COSINE_WEIGHT_KOREAN = 0.2
"""Fitted by ``benchmarks/eval/calibrate_relevance.py``. The embedded model knows little Korean: cosine alone
separates an answer from that of another question at AUC .59, shared terms at .95."""


def answer_relevance(case: Case) -> Score | None:
    """Weighted mean of the cosine of question and answer and the share of the question's terms in the answer.

    Without embeddings it is the lexical part alone, and ``scorer`` is ``answer_relevance/2 lexical``.
    """
    if not (case.answered and case.answer):
        return None
    lexical = coverage(case.question_terms, case.answer_terms)
    if case.question_vector is None or case.answer_vector is None:
        return Score(
            name="answer_relevance",
            value=rounded(lexical),
            scorer="answer_relevance/2 lexical",
            explanation=f"question terms covered {lexical:.2f}; no embedding",
        )
    cosine = max(0.0, float(case.question_vector @ case.answer_vector))
    weight = COSINE_WEIGHT_KOREAN if case.korean else COSINE_WEIGHT
    return Score(
        name="answer_relevance",
        value=rounded(weight * cosine + (1 - weight) * lexical),
        scorer="answer_relevance/2",
        explanation=f"cosine {cosine:.2f}, question terms covered {lexical:.2f}",
    )
