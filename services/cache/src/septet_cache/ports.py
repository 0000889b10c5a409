"""What the cache needs of the outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from septet_contracts import Embedding

from septet_cache.domain.entry import Candidate, Entry, Veto
from septet_cache.domain.scope import Slot


class Embeddings(Protocol):
    """Turns texts into vectors; ``model`` names the space that they live in."""

    model: str

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return L2-normalised vectors of shape ``(len(texts), dimensions)``.

        Raises:
            Transient: the endpoint is down.
        """
        ...


class EntryStore(Protocol):
    """Entries of all tenants. Reads see only entries that are live at ``now``: not revoked, not expired.

    Each change takes the ``cause`` (event id) that brought it about, and happens once per cause. Every method
    raises ``Transient`` when the store is not there.
    """

    async def by_slot(self, tenant: str, slot: Slot, now: datetime) -> Entry | None:
        """The live entry of a slot."""
        ...

    async def near(
        self, tenant: str, scope: str, embedding: Embedding, grams: Sequence[str], limit: int, now: datetime
    ) -> list[Candidate]:
        """Live entries of a scope: the ``limit`` nearest by cosine, and as many by shared ``grams``.

        Only entries embedded by the same model are compared.
        """
        ...

    async def admit(self, entry: Entry, grams: Sequence[str], cause: UUID, now: datetime) -> str | None:
        """Keep an entry in place of its slot's older one; returns why it was refused, None when it was kept.

        Refused: vetoed, already older than what the slot holds, or made from a document that has changed.
        A newer model or prompt version revokes its scope's entries of older ones.
        """
        ...

    async def document_changed(
        self, tenant: str, document_id: str, content_hash: str | None, at: datetime, cause: UUID
    ) -> int:
        """Remember a document's state (None: deleted), and revoke entries made from another; returns how many."""
        ...

    async def veto(self, veto: Veto, cause: UUID, now: datetime) -> int:
        """Revoke the vetoed answer's entries and refuse it in future; returns how many were revoked."""
        ...

    async def flag_document(
        self, tenant: str, document_id: str, reason: str, cause: UUID, now: datetime
    ) -> int:
        """Veto every live entry that rests on a document; returns how many were revoked."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete what ended (expired, revoked, vetoed) before ``before``; returns how many entries."""
        ...
