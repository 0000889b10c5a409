"""The embedding models of the embedded stack in this process, with the prefixes of the kit's client."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from septet_kit.embedding_models import KNOWN, TextKind
from septet_native.models.build import DEFAULT, MODELS
from septet_native.models.embedding_model import WIDTH
from septet_native.models.encoder import Encoder
from septet_native.packages.cache import cache_root

Vectors = NDArray[np.float32]
_BATCH = 32


class CachedEncoder:
    """One model with one thread; stores vectors in the user's cache folder between runs.

    Args:
        model: its name.
        cache: folder of the models and vectors; by default the user's.
    """

    def __init__(self, model: str = DEFAULT.name, cache: Path | None = None) -> None:
        folder = cache_root(cache)
        self.model = model
        self.multilingual = KNOWN[model].multilingual
        self._recipe = MODELS[model].recipe
        self._encoder = Encoder.of(MODELS[model], folder)
        self._known = sqlite3.connect(folder / "benchmark-vectors.sqlite")
        self._known.execute("CREATE TABLE IF NOT EXISTS vectors (name BLOB PRIMARY KEY, vector BLOB)")

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """As the kit's client."""
        return self.encode(texts, kind)

    def encode(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Vectors of ``texts``, one row each."""
        return self.encode_exactly([KNOWN[self.model].prefixes[kind] + text for text in texts])

    def encode_exactly(self, texts: Sequence[str]) -> Vectors:
        """Vectors of ``texts`` without a prefix."""
        names = [sha256(f"{self.model}\x1f{self._recipe}\x1f{text}".encode()).digest() for text in texts]
        found = {name: vector for name in names if (vector := self._look_up(name)) is not None}
        missing = {name: text for name, text in zip(names, texts, strict=True) if name not in found}
        queue = sorted(missing.items(), key=lambda item: len(item[1]))
        for start in range(0, len(queue), _BATCH):
            part = queue[start : start + _BATCH]
            # One text at a time, as the server: int8 activations are scaled without other texts.
            tokens = self._encoder.tokenize([text for _, text in part])
            rows = {name: self._encoder.run([one])[0] for (name, _), one in zip(part, tokens, strict=True)}
            found |= rows
            self._known.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)", [(n, v.tobytes()) for n, v in rows.items()]
            )
            self._known.commit()
        return np.stack([found[name] for name in names]) if names else np.zeros((0, WIDTH), np.float32)

    def _look_up(self, name: bytes) -> Vectors | None:
        row = self._known.execute("SELECT vector FROM vectors WHERE name = ?", (name,)).fetchone()
        return np.frombuffer(row[0], np.float32) if row else None
