"""What retrieval needs from the outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from septet_kit import Permanent

from septet_retrieval.domain.passages import IndexedPassage
from septet_retrieval.domain.revisions import Change, Origin, State

Vector = NDArray[np.float32]
DocumentKey = tuple[str, str]
"""Tenant and document id."""


@dataclass(frozen=True)
class Hit:
    """A passage that one side found; higher scores are better, and only comparable within a side."""

    passage: IndexedPassage
    score: float

    @property
    def passage_id(self) -> str:
        return self.passage.passage_id


class LazyHit(NamedTuple):
    """A hit whose passage is made when it is asked for: of two hundred that a search ranks, a few are shown."""

    passage_id: str
    score: float
    load: Callable[[], IndexedPassage]

    @property
    def passage(self) -> IndexedPassage:
        return self.load()


AnyHit = Hit | LazyHit


@dataclass(frozen=True)
class DocumentPassages:
    """A document's passages as of ``sequence``; none when it is deleted."""

    document_id: str
    sequence: int
    passages: Sequence[IndexedPassage]


@dataclass(frozen=True)
class DocumentWrite:
    """A document's next state. ``vectors`` belong to ``passages``; ``expected`` is the state it replaces."""

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


@dataclass(frozen=True)
class Unchanged:
    """An event that brought what is stored already."""

    key: DocumentKey
    revision: int | None
    origin: Origin


class LexicalIndex(Protocol):
    """BM25 over the passages of each tenant."""

    async def position(self, tenant: str) -> int:
        """Sequence up to which the tenant's changes are searchable; 0 for an empty index."""
        ...

    async def apply(
        self, tenant: str, changes: Sequence[DocumentPassages], position: int
    ) -> Mapping[str, Permanent]:
        """Replace the passages of the documents; searchable, and durable with ``position``, on return.

        Returns the errors of documents that the index cannot take, by document id; the others are in it.
        """
        ...

    async def search(self, tenant: str, question: str, limit: int) -> Sequence[AnyHit]:
        """The best passages for the question's terms, best first."""
        ...

    async def check(self) -> None:
        """Raise :class:`septet_kit.Transient` when the index cannot be searched."""
        ...


class PassageStore(Protocol):
    """Documents, passages and their vectors: the source of truth, and the dense side of the search."""

    async def states(self, keys: Sequence[DocumentKey]) -> Mapping[DocumentKey, State]: ...

    async def vectors(self, tenant: str, model: str, text_hashes: Sequence[bytes]) -> Mapping[bytes, Vector]:
        """Known vectors of texts, so that an unchanged passage is not embedded again."""
        ...

    async def write(self, writes: Sequence[DocumentWrite], model: str) -> Mapping[DocumentKey, State]:
        """Store all of it in one transaction, or nothing.

        Raises:
            Transient: a document is no longer in the ``expected`` state (code ``concurrent_change``).
        """
        ...

    async def touch(self, unchanged: Sequence[Unchanged]) -> None:
        """Note events that changed nothing, save for the order of those to come."""
        ...

    async def positions(self) -> Mapping[str, int]:
        """Highest sequence of each tenant."""
        ...

    async def changes(self, tenant: str, after: int, limit: int) -> Sequence[DocumentPassages]:
        """Documents changed after a sequence, in order of their sequence."""
        ...

    async def pending(self, tenant: str, after: int) -> int:
        """Number of documents changed after a sequence."""
        ...

    async def nearest(self, tenant: str, model: str, vector: Vector, limit: int) -> Sequence[AnyHit]:
        """The passages of highest cosine to ``vector``, best first; the score is the cosine."""
        ...

    async def cosines(self, tenant: str, passage_ids: Sequence[str], vector: Vector) -> Mapping[str, float]:
        """Cosines of given passages to ``vector``."""
        ...


class TextEmbedder(Protocol):
    """Texts to L2-normalised vectors, one row a text."""

    model: str

    async def embed(self, texts: Sequence[str]) -> Vector: ...
