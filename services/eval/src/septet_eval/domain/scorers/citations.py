"""Citation precision: whether each cited passage supports the sentence that cites it.

It follows ALCE (Gao et al. 2023, "Enabling Large Language Models to Generate Text with Citations"), with content-term
coverage in place of an entailment model.
"""

from __future__ import annotations

from septet_contracts import Score

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded
from septet_eval.domain.text import Sentence, coverage, numbers, terms

_SUPPORTED = 0.5


def citation_precision(case: Case) -> Score | None:
    """Share of (sentence, citation) pairs that are supported; 0, labelled ``uncited``, for an answer without any.

    A pair is supported if the passage exists, contains at least half of the sentence's content terms, and
    contains all of its numbers.
    """
    if not (case.answered and case.answer and case.passages) or case.structured:
        return None
    pairs = [(s, n) for s in case.sentences for n in s.cites]
    if not pairs:
        return Score(
            name="citation_precision",
            value=0.0,
            label="uncited",
            scorer="citation_precision/2",
            explanation="the answer cites no passage",
        )
    supported = sum(_supported(s, n, case) for s, n in pairs)
    return Score(
        name="citation_precision",
        value=rounded(supported / len(pairs)),
        scorer="citation_precision/2",
        explanation=f"{supported} of {len(pairs)} citations supported",
    )


def _supported(sentence: Sentence, number: int, case: Case) -> bool:
    if not 1 <= number <= len(case.passages):
        return False
    wanted = terms(sentence.text)
    covered = not wanted or coverage(wanted, case.passage_terms[number - 1]) >= _SUPPORTED
    return covered and numbers(sentence.text) <= case.passage_numbers[number - 1]
