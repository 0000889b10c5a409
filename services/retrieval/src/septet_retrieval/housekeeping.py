"""Keeps the lexical index up to date with the store, which is the source of truth.

The index follows the store's sequence; ingest does not write to it directly. A crash between the two commits, a
lost index folder, a new index layout and writes of another process are therefore one case: the index is behind and
catches up.
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

ApplyLock = Callable[[str], AbstractAsyncContextManager[None]]
"""Lock for applying the changes of a tenant."""


def no_lock(tenant: str) -> AbstractAsyncContextManager[None]:
    """Lock of an index that only this process writes to."""
    return nullcontext()


@dataclass
class Followed:
    """Number of applied documents, and the errors of the rejected ones by document id."""

    documents: int = 0
    rejected: dict[str, Permanent] = field(default_factory=dict)


class IndexFollower:
    """Applies the store's changes to the lexical index, in order. ``lock`` excludes other processes."""

    def __init__(
        self, store: PassageStore, index: LexicalIndex, interval: timedelta, lock: ApplyLock = no_lock
    ) -> None:
        self._store = store
        self._index = index
        self._interval_s = interval.total_seconds()
        self._lock = lock
        self._following = asyncio.Lock()

    async def reach(self, tenant: str, sequence: int) -> Followed:
        """Apply the tenant's changes up to ``sequence``; on return they are searchable, except rejected ones.

        Raises:
            Transient: the store or the index is down.
        """
        async with self._following:
            return await self._follow(tenant, sequence)

    async def catch_up(self) -> int:
        """Bring the index of every tenant up to date; return the number of applied documents."""
        applied = 0
        for tenant, last in (await self._store.positions()).items():
            async with self._following:
                applied += (await self._follow(tenant, last)).documents
        return applied

    async def _follow(self, tenant: str, sequence: int) -> Followed:
        followed = Followed()
        if await self._index.position(tenant) >= sequence:
            return followed
        async with self._lock(tenant):
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
        """Catch up periodically with writes of other processes, until cancelled. Errors are logged."""
        while True:
            try:
                applied = await self.catch_up()
            except SeptetError as error:
                log.warning("lexical index is behind", code=error.code, error=error.message)
            else:
                if applied:
                    log.info("lexical index caught up", documents=applied)
            await asyncio.sleep(self._interval_s)
