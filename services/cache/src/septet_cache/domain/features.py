"""Features of a pair of questions: the inputs of the paraphrase classifier."""

from __future__ import annotations

import math

from septet_cache.domain.reading import Reading, Term
from septet_cache.domain.verify import Alignment

#: Direction by feature: +1 if a greater value can only increase the probability, -1 if it can only decrease it.
SIGNS = {
    "similarity": 1,
    "similarity_above_90": 1,
    "heavy_exchanged": -1,
    "heavy_added": -1,
    "light_alone": -1,
    "term_overlap": 1,
    "token_overlap": 1,
    "trigram_overlap": 1,
    "length_ratio": -1,
}
FEATURES = tuple(SIGNS)


def features(alignment: Alignment, similarity: float) -> tuple[float, ...]:
    """Return the values of :data:`FEATURES`; ``similarity`` is the cosine of the questions' embeddings."""
    left, right = alignment.left, alignment.right
    heavy = (_heavy(alignment.only_left), _heavy(alignment.only_right))
    lone = len(alignment.only_left) + len(alignment.only_right)
    return (
        similarity,
        max(0.0, similarity - 0.90),
        float(min(heavy)),
        float(max(heavy) - min(heavy)),
        float(lone - sum(heavy)),
        2 * len(alignment.pairs) / max(1, len(left.terms) + len(right.terms)),
        _dice(frozenset(left.tokens), frozenset(right.tokens)),
        _dice(_trigrams(left), _trigrams(right)),
        abs(math.log((1 + len(left.tokens)) / (1 + len(right.tokens)))),
    )


def _heavy(terms: tuple[Term, ...]) -> int:
    return sum(1 for t in terms if not t.light)


def _dice(left: frozenset[str], right: frozenset[str]) -> float:
    return 2 * len(left & right) / max(1, len(left) + len(right))


def _trigrams(reading: Reading) -> frozenset[str]:
    solid = f"^{reading.text.lower().replace(' ', '')}$"
    size = 3 if reading.language == "en" else 2
    return frozenset(solid[i : i + size] for i in range(len(solid) - size + 1))
