"""Scores of the texts that were scored last, by digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from septet_guardrails.domain.lru import Lru

Score = tuple[float, str]


class ScoreMemory:
    """LRU cache of a function that scores texts. Thread-safe.

    A repeated question is scored once, because its classifier takes milliseconds. The memory holds digests and no text.
    One entry takes about 300 bytes (2.3 MB in all), whatever the size of the texts.
    """

    def __init__(self, score: Callable[..., Score], entries: int = 8_192) -> None:
        self._score = score
        self._known = Lru[bytes, Score](entries)

    def __call__(self, *texts: str) -> Score:
        """Return the score of ``texts`` and its reason. Two threads may compute the same score concurrently."""
        key = digest_of(texts)
        if (known := self._known.get(key)) is not None:
            return known
        found = self._score(*texts)
        self._known.put(key, found)
        return found


def digest_of(texts: tuple[str, ...]) -> bytes:
    """Return a digest of the texts and of their lengths, which keep ("ab", "c") and ("a", "bc") apart."""
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        body = text.encode("utf-8", "surrogatepass")
        digest.update(len(body).to_bytes(8, "big") + body)
    return digest.digest()
