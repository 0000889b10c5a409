"""Context relevance: whether the passages are about the question."""

from __future__ import annotations

from septet_contracts import Score

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded
from septet_eval.domain.text import coverage

_RELEVANT = 0.5


def context_relevance(case: Case) -> Score | None:
    """Mean over the passages of the larger of two values: cosine, and the share of the question's terms in the passage.

    Cosine misses rare names (and Korean, with the embedded model), and shared terms miss other wordings.
    """
    if not case.passages:
        return None
    values = [
        max(p.similarity or 0.0, coverage(case.question_terms, given))
        for p, given in zip(case.passages, case.passage_terms, strict=True)
    ]
    relevant = sum(v >= _RELEVANT for v in values)
    return Score(
        name="context_relevance",
        value=rounded(sum(values) / len(values)),
        scorer="context_relevance/2",
        explanation=f"{relevant} of {len(values)} passages relevant, best {max(values):.2f}",
    )
