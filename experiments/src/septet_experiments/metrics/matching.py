"""BERTScore (Zhang et al. 2020) and MoverScore (Zhao et al. 2019) of two lists of token vectors."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from septet_experiments.errors import NotComputable
from septet_experiments.metrics.transport import movers_distance

Vectors = NDArray[np.float32]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tokens:
    """Tokens of a text with their vectors [n, d], of length 1."""

    pieces: tuple[str, ...]
    vectors: Array

    @classmethod
    def of(cls, pieces: Sequence[str], vectors: Vectors) -> Tokens:
        """Normalise the vectors; drop tokens without a direction."""
        array = np.asarray(vectors, np.float64)
        lengths = np.linalg.norm(array, axis=1)
        kept = lengths > 0
        return cls(
            tuple(piece for piece, keep in zip(pieces, kept, strict=True) if keep),
            array[kept] / lengths[kept, None],
        )


@dataclass(frozen=True)
class Idf:
    """Inverse document frequency of tokens: log((N + 1) / (df + 1)); 1 for each token without texts."""

    texts: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]]) -> Idf:
        """Counted in the tokens of *texts*."""
        counts: Counter[str] = Counter()
        total = 0
        for pieces in texts:
            counts.update(set(pieces))
            total += 1
        return cls(total, counts)

    def weight(self, piece: str) -> float:
        """Weight of one token."""
        if not self.texts:
            return 1.0
        return math.log((self.texts + 1) / (self.counts.get(piece, 0) + 1))

    def shares(self, pieces: Sequence[str]) -> Array:
        """Weights of *pieces* divided by their sum.

        Raises:
            NotComputable: the sum is 0.
        """
        weights = np.array([self.weight(piece) for piece in pieces], np.float64)
        if weights.sum() <= 0:
            raise NotComputable("no token has a weight: all are in every text of the idf")
        return np.asarray(weights / weights.sum())


def bert_f1(answer: Tokens, reference: Tokens, idf: Idf) -> float:
    """F1 of BERTScore: each token is matched with the most similar one of the other text.

    Precision averages over the answer's tokens, recall over the reference's.
    """
    if not answer.pieces:
        return 0.0
    cosines = answer.vectors @ reference.vectors.T
    precision = float(cosines.max(axis=1) @ idf.shares(answer.pieces))
    recall = float(cosines.max(axis=0) @ idf.shares(reference.pieces))
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def mover_similarity(answer: Tokens, reference: Tokens, idf: Idf) -> float:
    """MoverScore of single tokens: 1 / (1 + distance), with Euclidean costs between vectors of length 1.

    Punctuation moves nothing. As in the authors' second version, the similarity is the inverse of the distance.
    """
    answer, reference = without_punctuation(answer), without_punctuation(reference)
    if not answer.pieces:
        return 0.0
    if not reference.pieces:
        raise NotComputable("a reference has no token besides punctuation")
    costs = np.sqrt(np.maximum(0.0, 2.0 - 2.0 * answer.vectors @ reference.vectors.T))
    return 1.0 / (1.0 + movers_distance(idf.shares(answer.pieces), idf.shares(reference.pieces), costs))


def without_punctuation(tokens: Tokens) -> Tokens:
    """The tokens with a character besides white space, punctuation and SentencePiece's word mark."""
    kept = [any(_counts(c) for c in piece) for piece in tokens.pieces]
    pieces = tuple(piece for piece, keep in zip(tokens.pieces, kept, strict=True) if keep)
    return Tokens(pieces, tokens.vectors[np.array(kept, bool)])


def _counts(character: str) -> bool:
    return (
        character != "▁" and not character.isspace() and not unicodedata.category(character).startswith("P")
    )
