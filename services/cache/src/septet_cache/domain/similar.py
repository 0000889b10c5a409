"""Similar questions of a scope: the verification of the cache, on questions of logged traffic."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from septet_cache.domain.classifier import Classifiers
from septet_cache.domain.grams import grams
from septet_cache.domain.paraphrase import Comparison, compare, read_question

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Question:
    """A question with its L2-normalised embedding."""

    text: str
    language: str | None
    vector: Vector


@dataclass(frozen=True)
class Pair(Comparison):
    """A question compared with an earlier one.

    Attributes:
        earlier: index of the earlier question.
        similarity: cosine of the embeddings.
    """

    earlier: int
    similarity: float


def best_pairs(
    questions: Sequence[Question],
    candidates: int,
    strictness: float | None,
    models: Classifiers | None = None,
) -> list[Pair | None]:
    """Compare each question with its nearest earlier ones, as a lookup does; return the best pair of each.

    ``candidates`` questions are compared by embedding, and as many by shared words. A question that cannot be read
    has no pair.
    """
    if not questions:
        return []
    readings = [read_question(q.text, q.language) for q in questions]
    words = [grams(r) if r else () for r in readings]
    matrix = np.stack([q.vector for q in questions])
    postings: dict[str, list[int]] = defaultdict(list)
    found: list[Pair | None] = []
    for index, reading in enumerate(readings):
        if reading is None:
            found.append(None)
            continue
        similarity = matrix[:index] @ matrix[index]
        nearest = np.argsort(-similarity, kind="stable")[:candidates]
        sharing = _sharing((i for gram in words[index] for i in postings[gram]), words, candidates)
        pairs = []
        for earlier in sorted({*map(int, nearest), *sharing}):
            cosine = float(similarity[earlier])
            result = compare(reading, readings[earlier], cosine, strictness, models)
            pairs.append(Pair(result.checks, result.probability, earlier, cosine))
        found.append(max(pairs, key=lambda p: (p.is_safe, p.probability, p.similarity), default=None))
        for gram in words[index]:
            postings[gram].append(index)
    return found


def _sharing(found: Iterable[int], words: Sequence[tuple[str, ...]], limit: int) -> list[int]:
    """Return the earlier questions that share the greatest part of their words."""
    shared = Counter(found)
    return sorted(shared, key=lambda i: (-shared[i] / len(words[i]), i))[:limit]
