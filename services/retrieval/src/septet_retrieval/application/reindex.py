"""Rebuilds the lexical index behind its alias while it is searched and written to.

A new version of the index follows the store from the beginning. It has its own position, so an interrupted run
continues from there. When it is nearly up to date, the alias moves while no process applies changes. Documents that
were searchable before the move are searchable after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from septet_kit import Transient
from septet_kit.observe import get_logger
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from septet_retrieval.housekeeping import IndexFollower
from septet_retrieval.ports import IndexCluster, LexicalIndex, PassageStore, ReindexLocks

log = get_logger()
T = TypeVar("T")

_ATTEMPTS = 8
_wait = wait_random_exponential(multiplier=0.2, max=15.0)


@dataclass(frozen=True)
class Progress:
    """Number of documents in the new version and in the store."""

    version: str
    done: int
    total: int


@dataclass(frozen=True)
class Reindexed:
    """Result of a run: the alias moved from ``before`` to ``version``."""

    version: str
    before: str | None
    documents: int
    rejected: int


@dataclass(frozen=True)
class Options:
    """Options of a run. ``batch`` is in documents; ``grace`` is the delay before the previous version is deleted."""

    batch: int = 500
    keep_old: bool = False
    grace: timedelta = timedelta(seconds=10)


class Reindexer:
    """Builds a version, moves the alias to it and drops the previous version."""

    def __init__(
        self, store: PassageStore, cluster: IndexCluster, locks: ReindexLocks, options: Options
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._locks = locks
        self._options = options
        self._rejected = 0

    async def run(self, report: Callable[[Progress], None]) -> Reindexed:
        """Run the re-index; ``report`` receives the progress.

        Raises:
            Transient: the store or the server is down; another run continues from here.
            Permanent: another run is in progress, or the server rejects a request.
        """
        versions = self._cluster.versions
        async with self._locks.reindex_lock():
            version = await versions.next()
            target = self._cluster.index(version)
            documents = await self._build(target, version, report)
            before = await _with_retries(lambda: self._move(target, version))
            log.info("alias moved", alias=versions.alias, to=version, before=before)
            if before is not None and not self._options.keep_old:
                # Searches that began before the move may still read it.
                await asyncio.sleep(self._options.grace.total_seconds())
                await versions.drop(before)
        return Reindexed(version, before, documents, self._rejected)

    async def _move(self, target: LexicalIndex, version: str) -> str | None:
        async with self._locks.alias_lock():
            await IndexFollower(self._store, target, timedelta(0)).catch_up()
            return await self._cluster.versions.publish(version)

    async def _build(self, target: LexicalIndex, version: str, report: Callable[[Progress], None]) -> int:
        """Copy documents until less than a batch is missing; return the number of documents in the store."""
        while True:
            pending = await self._pending(target)
            total = sum([await self._store.pending(tenant, 0) for tenant in pending])
            missing = sum(pending.values())
            report(Progress(version, total - missing, total))
            done = total - missing
            async for copied in self._copy(target, pending):
                done += copied
                report(Progress(version, min(done, total), total))
            if missing < self._options.batch:
                return total

    async def _pending(self, target: LexicalIndex) -> Mapping[str, int]:
        """Return the number of missing documents of each tenant."""
        return {
            tenant: await self._store.pending(tenant, await target.position(tenant))
            for tenant in await self._store.positions()
        }

    async def _copy(self, target: LexicalIndex, pending: Mapping[str, int]) -> AsyncIterator[int]:
        """Copy the missing documents; yield the size of each write."""
        for tenant, missing in pending.items():
            position = await target.position(tenant)
            while missing > 0:
                changes = await self._store.changes(tenant, position, self._options.batch)
                if not changes:
                    break
                position = changes[-1].sequence
                self._rejected += len(await _with_retries(partial(target.apply, tenant, changes, position)))
                missing -= len(changes)
                yield len(changes)


async def _with_retries(work: Callable[[], Awaitable[T]]) -> T:
    """Run ``work``; retry transient errors with backoff."""
    retrying = AsyncRetrying(
        stop=stop_after_attempt(_ATTEMPTS), wait=_wait, retry=retry_if_exception_type(Transient), reraise=True
    )
    async for attempt in retrying:
        with attempt:
            return await work()
    raise AssertionError("tenacity returns or raises")
