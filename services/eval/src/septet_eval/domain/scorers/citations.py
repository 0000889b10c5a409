"""Citation precision and recall: whether cited passages support the sentences that cite them.

They follow ALCE (Gao et al. 2023, "Enabling Large Language Models to Generate Text with Citations"), with content-term
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


def citation_recall(case: Case) -> Score | None:
    """Share of sentences that the passages cited in them support together; 0, labelled ``uncited``, without citations.

    A sentence is supported if these passages contain at least half of its content terms and all of its numbers.
    Sentences without content terms and numbers do not count.
    """
    if not (case.answered and case.answer and case.passages) or case.structured:
        return None
    stating = [s for s in case.sentences if terms(s.text) or numbers(s.text)]
    if not stating:
        return None
    supported = sum(_supported_together(s, case) for s in stating)
    return Score(
        name="citation_recall",
        value=rounded(supported / len(stating)),
        label=None if any(s.cites for s in stating) else "uncited",
        scorer="citation_recall/1",
        explanation=f"{supported} of {len(stating)} sentences supported by what they cite",
    )


def _supported_together(sentence: Sentence, case: Case) -> bool:
    cited = [number - 1 for number in sentence.cites if 1 <= number <= len(case.passages)]
    if not cited:
        return False
    wanted = terms(sentence.text)
    given = frozenset[str]().union(*(case.passage_terms[index] for index in cited))
    known = frozenset[str]().union(*(case.passage_numbers[index] for index in cited))
    return (not wanted or coverage(wanted, given) >= _SUPPORTED) and numbers(sentence.text) <= known


def _supported(sentence: Sentence, number: int, case: Case) -> bool:
    if not 1 <= number <= len(case.passages):
        return False
    wanted = terms(sentence.text)
    covered = not wanted or coverage(wanted, case.passage_terms[number - 1]) >= _SUPPORTED
    return covered and numbers(sentence.text) <= case.passage_numbers[number - 1]
