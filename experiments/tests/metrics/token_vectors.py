"""A small model for tests: words are tokens, and the vector of a word is derived from its characters."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashedVectors:
    """Token vectors without a model."""

    model = "hashed"
    layer = 1
    max_tokens = 64

    def tokenize(self, text: str) -> Sequence[str]:
        """Words and single other characters."""
        return _TOKEN.findall(text)

    def encode(self, text: str) -> tuple[Sequence[str], NDArray[np.float32]]:
        """The same vector for each occurrence of a word."""
        tokens = self.tokenize(text)
        rows = [np.random.default_rng(zlib.crc32(token.encode())).normal(size=8) for token in tokens]
        return tokens, np.array(rows, np.float32).reshape(len(tokens), 8)
