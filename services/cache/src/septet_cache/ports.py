"""Ports of the cache."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from septet_contracts import Embedding
from septet_kit.embedding_models import TextKind

from septet_cache.domain.entry import Candidate, Entry, Veto
from septet_cache.domain.scope import Slot


class Embeddings(Protocol):
    """Embeds texts. Only vectors of the same ``model`` can be compared."""

    model: str

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        """Return L2-normalised vectors of shape ``(len(texts), dimensions)``.

        Raises:
            Transient: the endpoint is down.
        """
        ...


class EntryStore(Protocol):
    """Store of the entries of all tenants. Reads return only entries that are live at ``now``: not revoked, not expired.

    A change is applied once per ``cause``, the id of its event. Every method raises ``Transient`` if the store is
    down.
    """

    async def by_slot(self, tenant: str, slot: Slot, now: datetime) -> Entry | None:
        """Return the live entry of a slot."""
        ...

    async def near(
        self, tenant: str, scope: str, embedding: Embedding, grams: Sequence[str], limit: int, now: datetime
    ) -> list[Candidate]:
        """Return live entries of a scope: the ``limit`` nearest by cosine, and as many by shared ``grams``.

        Only entries with an embedding of the same model are compared.
        """
        ...

    async def admit(self, entry: Entry, grams: Sequence[str], cause: UUID, now: datetime) -> str | None:
        """Store an entry in place of its slot's older one; return the reason if it is refused, else None.

        An entry is refused if it is vetoed, older than the entry in its slot, or made from a document that has
        changed. An entry of a newer model or prompt version revokes the scope's entries of older versions.
        """
        ...

    async def document_changed(
        self, tenant: str, document_id: str, content_hash: str | None, at: datetime, cause: UUID
    ) -> int:
        """Store a document's content hash (None: deleted) and revoke entries of other contents; return their number."""
        ...

    async def veto(self, veto: Veto, cause: UUID, now: datetime) -> int:
        """Revoke the entries of a vetoed answer and refuse it in future; return their number."""
        ...

    async def flag_document(
        self, tenant: str, document_id: str, reason: str, cause: UUID, now: datetime
    ) -> int:
        """Veto every live entry that was made from a document; return their number."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete entries and vetoes that ended before ``before``; return the number of entries."""
        ...
