"""Metrics of rankings and short answers, equal to those of trec_eval and SQuAD.

``ndcg`` is trec_eval's ``ndcg_cut``: gain is the grade itself, discount ``log2(rank + 1)`` (Järvelin and
Kekäläinen, 2002). ``recall`` is ``recall_k``, ``reciprocal_rank`` is ``recip_rank``. ``token_f1`` is SQuAD's
(Rajpurkar et al., 2016). Korean attaches particles to words, so Korean texts are compared by character, as in
KorQuAD (Lim et al., 2019).
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from septet_kit.text import has_hangul

Grades = Mapping[str, float]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_CITATIONS = re.compile(r"\s*\[\d+\]")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "“”‘’«»《》〈〉「」『』·")


def ndcg(ranking: Sequence[str], grades: Grades, k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first *k* documents, 0 to 1."""
    gained = _dcg([grades.get(document, 0.0) for document in ranking[:k]])
    ideal = _dcg(sorted(grades.values(), reverse=True)[:k])
    return gained / ideal if ideal > 0 else 0.0


def _dcg(gains: Iterable[float]) -> float:
    return sum(max(gain, 0.0) / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def recall(ranking: Sequence[str], grades: Grades, k: int = 10) -> float:
    """Share of the relevant documents (grade above 0) among the first *k*, 0 to 1."""
    relevant = {document for document, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Grades) -> float:
    """Reciprocal rank of the first relevant document; 0 without one."""
    ranks = (rank for rank, document in enumerate(ranking, start=1) if grades.get(document, 0.0) > 0)
    return next((1 / rank for rank in ranks), 0.0)


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Token F1 against the best-matching reference, 0 to 1.

    Ignores case, punctuation, English articles and citation marks ``[n]``.
    """
    return max((_f1(_tokens(answer), _tokens(reference)) for reference in references), default=0.0)


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 when the normalised answer equals a normalised reference, else 0."""
    return float(any(_normalise(answer) == _normalise(reference) for reference in references))


def _normalise(text: str) -> str:
    plain = _CITATIONS.sub("", text).lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def _tokens(text: str) -> list[str]:
    normal = _normalise(text)
    return list(normal.replace(" ", "")) if has_hangul(normal) else normal.split()


def _f1(answer: list[str], reference: list[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    common = sum((Counter(answer) & Counter(reference)).values())
    if common == 0:
        return 0.0
    precision, share = common / len(answer), common / len(reference)
    return 2 * precision * share / (precision + share)


def percentile(values: Sequence[float], q: float) -> float:
    """The *q*-th percentile (0 to 100), linearly interpolated; 0 for no values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    position = (len(ordered) - 1) * q / 100
    low, high = math.floor(position), math.ceil(position)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def mean(values: Iterable[float]) -> float:
    """Arithmetic mean; 0 for no values."""
    found = list(values)
    return sum(found) / len(found) if found else 0.0
