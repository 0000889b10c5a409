"""Scores of the texts that were scored last, by digest."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

Score = tuple[float, str]


class ScoreMemory:
    """LRU cache of a function that scores texts. Thread-safe.

    A repeated question is scored once, because its classifier takes milliseconds. The memory holds digests and no text.
    One entry takes about 300 bytes (2.3 MB in all), whatever the size of the texts.
    """

    def __init__(self, score: Callable[..., Score], entries: int = 8_192) -> None:
        self._score = score
        self._entries = entries
        self._known: OrderedDict[bytes, Score] = OrderedDict()
        self._lock = Lock()

    def __call__(self, *texts: str) -> Score:
        """Return the score of ``texts`` and its reason. Two threads may compute the same score concurrently."""
        key = _digest(texts)
        with self._lock:
            if (known := self._known.get(key)) is not None:
                self._known.move_to_end(key)
                return known
        found = self._score(*texts)
        with self._lock:
            self._known[key] = found
            if len(self._known) > self._entries:
                self._known.popitem(last=False)
        return found


def _digest(texts: tuple[str, ...]) -> bytes:
    """Return a digest of the texts and of their lengths, which keep ("ab", "c") and ("a", "bc") apart."""
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        body = text.encode("utf-8", "surrogatepass")
        digest.update(len(body).to_bytes(8, "big") + body)
    return digest.digest()
