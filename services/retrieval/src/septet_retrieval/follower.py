"""Keeps the lexical index in step with the store, which is the source of truth.

The index follows the store's sequence instead of being written beside it. So a crash between the two
commits, a lost index folder, a new index layout and another process's writes are all the same case: the
index is behind, and catches up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

from septet_kit import Permanent, SeptetError
from septet_kit.observe import get_logger

from septet_retrieval.ports import LexicalIndex, PassageStore

log = get_logger()

_BATCH = 100

Turn = Callable[[str], AbstractAsyncContextManager[None]]


def own(tenant: str) -> AbstractAsyncContextManager[None]:
    """Turns at an index that no other process writes to: there is nobody to wait for."""
    return nullcontext()


@dataclass
class Followed:
    """What was applied: the number of documents, and the errors of those that the index cannot take."""

    documents: int = 0
    rejected: dict[str, Permanent] = field(default_factory=dict)


class IndexFollower:
    """Applies the store's changes to the lexical index, in order; ``turn`` keeps other processes from doing
    so at once."""

    def __init__(
        self, store: PassageStore, index: LexicalIndex, interval: timedelta, turn: Turn = own
    ) -> None:
        self._store = store
        self._index = index
        self._interval_s = interval.total_seconds()
        self._turn = turn
        self._following = asyncio.Lock()

    async def reach(self, tenant: str, sequence: int) -> Followed:
        """Return once the tenant's changes up to ``sequence`` are searchable, save for rejected documents.

        Raises:
            Transient: store or index are not there.
        """
        async with self._following:
            return await self._follow(tenant, sequence)

    async def catch_up(self) -> int:
        """Bring every tenant's index up to date; returns the number of documents applied."""
        applied = 0
        for tenant, last in (await self._store.positions()).items():
            async with self._following:
                applied += (await self._follow(tenant, last)).documents
        return applied

    async def _follow(self, tenant: str, sequence: int) -> Followed:
        followed = Followed()
        if await self._index.position(tenant) >= sequence:
            return followed
        async with self._turn(tenant):
            position = await self._index.position(tenant)
            while position < sequence:
                changes = await self._store.changes(tenant, position, _BATCH)
                if not changes:
                    break
                position = changes[-1].sequence
                rejected = await self._index.apply(tenant, changes, position)
                for document_id, error in rejected.items():
                    log.error("document rejected", tenant=tenant, document=document_id, error=error.message)
                followed.documents += len(changes)
                followed.rejected |= rejected
        return followed

    async def run(self) -> None:
        """Catch up now and then, for what other processes wrote; an outage is waited out."""
        while True:
            try:
                applied = await self.catch_up()
            except SeptetError as error:
                log.warning("lexical index is behind", code=error.code, error=error.message)
            else:
                if applied:
                    log.info("lexical index caught up", documents=applied)
            await asyncio.sleep(self._interval_s)
