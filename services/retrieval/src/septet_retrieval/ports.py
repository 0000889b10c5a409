"""Ports of the retrieval service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from septet_kit import Permanent
from septet_kit.embedding_models import TextKind

from septet_retrieval.domain.passages import IndexedPassage
from septet_retrieval.domain.revisions import Change, Origin, State

Vector = NDArray[np.float32]
DocumentKey = tuple[str, str]
"""Tenant and document id."""


@dataclass(frozen=True)
class Hit:
    """A passage that one side found. Higher scores are better; they are comparable within a side only."""

    passage: IndexedPassage
    score: float

    @property
    def passage_id(self) -> str:
        return self.passage.passage_id


class LazyHit(NamedTuple):
    """A hit that loads its passage on demand: a search ranks two hundred hits and returns a few."""

    passage_id: str
    score: float
    load: Callable[[], IndexedPassage]

    @property
    def passage(self) -> IndexedPassage:
        return self.load()


AnyHit = Hit | LazyHit


@dataclass(frozen=True)
class DocumentPassages:
    """A document's passages as of ``sequence``; none if it is deleted."""

    document_id: str
    sequence: int
    passages: Sequence[IndexedPassage]


@dataclass(frozen=True)
class DocumentWrite:
    """A document's next state. ``vectors`` are those of ``passages``; ``expected`` is the replaced state."""

    key: DocumentKey
    revision: int | None
    content_hash: str | None
    change: Change
    origin: Origin
    passages: Sequence[IndexedPassage]
    text_hashes: Sequence[bytes]
    vectors: Sequence[Vector]
    embedded: int
    expected: State | None
    instructions: int = 0


class StalePassage(NamedTuple):
    """A stored passage with a vector of another model; ``text_hash`` is that of its stored text."""

    passage: IndexedPassage
    text_hash: bytes


@dataclass(frozen=True)
class Unchanged:
    """An event with the content that is already stored."""

    key: DocumentKey
    revision: int | None
    origin: Origin


class LexicalIndex(Protocol):
    """BM25 over the passages of each tenant."""

    async def position(self, tenant: str) -> int:
        """Return the sequence up to which the tenant's changes are searchable; 0 for an empty index."""
        ...

    async def apply(
        self, tenant: str, changes: Sequence[DocumentPassages], position: int
    ) -> Mapping[str, Permanent]:
        """Replace the passages of the documents and store ``position``; on return both are durable and searchable.

        Returns the errors of rejected documents by document id. All others are applied.
        """
        ...

    async def search(self, tenant: str, question: str, limit: int) -> Sequence[AnyHit]:
        """Return the passages that match the question's terms, best first."""
        ...

    async def check(self) -> None:
        """Raise :class:`septet_kit.Transient` if the index cannot be searched."""
        ...


class PassageStore(Protocol):
    """Documents, passages and vectors: the source of truth, and the dense side of a search."""

    async def states(self, keys: Sequence[DocumentKey]) -> Mapping[DocumentKey, State]: ...

    async def vectors(self, tenant: str, model: str, text_hashes: Sequence[bytes]) -> Mapping[bytes, Vector]:
        """Return the stored vectors of texts, so that unchanged passages are not embedded again."""
        ...

    async def write(self, writes: Sequence[DocumentWrite], model: str) -> Mapping[DocumentKey, State]:
        """Store all writes in one transaction.

        Raises:
            Transient: a document is no longer in the ``expected`` state (code ``concurrent_change``).
        """
        ...

    async def touch(self, unchanged: Sequence[Unchanged]) -> None:
        """Record revision and origin of events without a change: later events are compared with them."""
        ...

    async def positions(self) -> Mapping[str, int]:
        """Return the highest sequence of each tenant."""
        ...

    async def changes(self, tenant: str, after: int, limit: int) -> Sequence[DocumentPassages]:
        """Return documents changed after a sequence, in sequence order."""
        ...

    async def pending(self, tenant: str, after: int) -> int:
        """Return the number of documents changed after a sequence."""
        ...

    async def nearest(self, tenant: str, model: str, vector: Vector, limit: int) -> Sequence[AnyHit]:
        """Return the passages closest to ``vector``, best first; the score is the cosine."""
        ...

    async def cosines(
        self, tenant: str, model: str, passage_ids: Sequence[str], vector: Vector
    ) -> Mapping[str, float]:
        """Return the cosines of passages with ``vector``; passages of another model have none."""
        ...

    async def of_other_models(
        self, tenant: str, model: str, limit: int, without: Sequence[bytes] = ()
    ) -> Sequence[StalePassage]:
        """Return passages whose vectors are of another model, without those whose text has one of the given hashes."""
        ...

    async def replace_vectors(
        self, tenant: str, model: str, passages: Sequence[StalePassage], vectors: Sequence[Vector]
    ) -> None:
        """Store new vectors of passages. A passage whose text changed meanwhile keeps its own."""
        ...

    async def other_models_in_use(self, model: str, within: timedelta) -> Sequence[str]:
        """Record that an instance uses ``model``; return the other models recorded ``within`` the last time."""
        ...


class IndexVersions(Protocol):
    """Versions of the lexical index behind an alias."""

    @property
    def alias(self) -> str: ...

    async def next(self) -> str:
        """Return the version to build."""
        ...

    async def publish(self, version: str) -> str | None:
        """Move the alias to ``version`` atomically; return the previous version."""
        ...

    async def drop(self, version: str) -> None:
        """Delete a version, if it exists."""
        ...


class IndexCluster(Protocol):
    """Server of a versioned lexical index."""

    @property
    def versions(self) -> IndexVersions: ...

    def index(self, version: str | None = None) -> LexicalIndex:
        """Return the index behind the alias, or the given version."""
        ...


class ReindexLocks(Protocol):
    """Locks of a re-index."""

    def alias_lock(self) -> AbstractAsyncContextManager[None]:
        """Hold the lock for moving the alias: no process applies changes."""
        ...

    def reindex_lock(self) -> AbstractAsyncContextManager[None]:
        """Hold the lock that allows one re-index at a time."""
        ...


class TextEmbedder(Protocol):
    """Embeds texts as L2-normalised vectors, one row per text.

    ``multilingual`` tells whether the model supports scripts other than Latin.
    """

    model: str
    multilingual: bool

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Vector: ...
