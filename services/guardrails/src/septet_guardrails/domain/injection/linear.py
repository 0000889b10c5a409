"""Linear classifier over hashed character and word n-grams.

Features are hashed (Weinberger et al., 2009, "Feature Hashing for Large Scale Multitask Learning"), damped by
1 + log(count) and scaled to unit length. Weights are 8-bit integers with a common scale.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from septet_guardrails.domain.text import fold, words

CHARACTER_RANGE = (2, 5)
WORD_RANGE = (1, 3)


def ngrams(text: str) -> Iterator[str]:
    """Yield word n-grams (1 to 3) and, within words, character n-grams (2 to 5) of the folded text."""
    tokens = words(fold(text))
    for size in range(WORD_RANGE[0], WORD_RANGE[1] + 1):
        for i in range(len(tokens) - size + 1):
            yield "w " + " ".join(tokens[i : i + size])
    for token in tokens:
        padded = f"^{token}$"
        for size in range(CHARACTER_RANGE[0], CHARACTER_RANGE[1] + 1):
            for i in range(len(padded) - size + 1):
                yield "c " + padded[i : i + size]


def features(text: str, buckets: int) -> dict[int, float]:
    """Return the hashed n-gram vector with unit Euclidean length, as values by bucket."""
    counts = Counter(zlib.crc32(gram.encode()) % buckets for gram in ngrams(text))
    damped = {bucket: 1.0 + math.log(count) for bucket, count in counts.items()}
    norm = math.sqrt(sum(value * value for value in damped.values())) or 1.0
    return {bucket: value / norm for bucket, value in damped.items()}


@dataclass(frozen=True)
class LinearHead:
    """Weights of a binary logistic regression over ``features``."""

    buckets: int
    scale: float
    intercept: float
    weights: bytes

    @classmethod
    def loads(cls, body: dict[str, Any]) -> LinearHead:
        """Read what :meth:`dumps` returns."""
        weights = zlib.decompress(base64.b64decode(body["weights"]))
        return cls(int(body["buckets"]), float(body["scale"]), float(body["intercept"]), weights)

    def dumps(self) -> dict[str, Any]:
        """Return a JSON object with compressed weights."""
        packed = base64.b64encode(zlib.compress(self.weights, 9)).decode()
        return {"buckets": self.buckets, "scale": self.scale, "intercept": self.intercept, "weights": packed}

    def logit(self, text: str) -> float:
        """Return the log-odds of the positive class."""
        total = self.intercept
        for bucket, value in features(text, self.buckets).items():
            weight = self.weights[bucket]
            total += value * self.scale * (weight - 256 if weight > 127 else weight)
        return total


def sigmoid(logit: float) -> float:
    """Return the probability of log-odds."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))
