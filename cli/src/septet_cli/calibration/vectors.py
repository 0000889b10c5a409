"""Vectors of an endpoint, stored in a file, so that an interrupted run resumes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from septet_kit.embedding_models import TextKind
from septet_kit.errors import Transient

from septet_cli.errors import Unreachable

if TYPE_CHECKING:
    from types import TracebackType

Vectors = NDArray[np.float32]
BATCH = 16
"""Texts of one call: few enough for a model on a busy CPU to embed within the client's time limit."""


class Endpoint(Protocol):
    """A client of an embeddings endpoint."""

    model: str
    multilingual: bool

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors: ...


class StoredVectors:
    """An embedder that asks the endpoint only for vectors that its file lacks.

    Args:
        endpoint: the client.
        file: SQLite file of the vectors.
        identity: what the vectors depend on besides the text and its kind: address, model and prefixes.
        on_progress: called with the number of embedded texts and of texts so far.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        file: Path,
        identity: str,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        self.model, self.multilingual = endpoint.model, endpoint.multilingual
        self._endpoint = endpoint
        self._identity = identity
        self._on_progress = on_progress
        self._done = self._total = 0
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stored = sqlite3.connect(file)
        self._stored.execute("CREATE TABLE IF NOT EXISTS vectors (name BLOB PRIMARY KEY, vector BLOB)")

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Vectors of texts of one kind, one row each. Each batch is stored as soon as it is embedded.

        Raises:
            Unreachable: the endpoint is down, busy or slow.
        """
        names = {text: self._name(text, kind) for text in dict.fromkeys(texts)}
        found = {text: vector for text, name in names.items() if (vector := self._look_up(name)) is not None}
        missing = sorted((text for text in names if text not in found), key=len)
        self._count(0, len(missing))
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            embedded = dict(zip(batch, await self._ask(batch, kind), strict=True))
            with self._stored:
                self._stored.executemany(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                    [(names[text], vector.astype("<f4").tobytes()) for text, vector in embedded.items()],
                )
            found |= embedded
            self._count(len(batch), 0)
        return np.stack([found[text] for text in texts]) if texts else np.zeros((0, 0), np.float32)

    async def _ask(self, batch: Sequence[str], kind: TextKind) -> Vectors:
        try:
            return await self._endpoint.embed(batch, kind)
        except Transient as error:
            raise Unreachable(
                error.message,
                f"run the command again when the endpoint answers: the {self._done} vectors so far are stored",
            ) from error

    def _count(self, done: int, total: int) -> None:
        self._done, self._total = self._done + done, self._total + total
        self._on_progress(self._done, self._total)

    def _name(self, text: str, kind: TextKind) -> bytes:
        return sha256(f"{self._identity}\x1f{kind}\x1f{text}".encode()).digest()

    def _look_up(self, name: bytes) -> Vectors | None:
        row = self._stored.execute("SELECT vector FROM vectors WHERE name = ?", (name,)).fetchone()
        return np.frombuffer(row[0], "<f4") if row else None

    def __enter__(self) -> StoredVectors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stored.close()
