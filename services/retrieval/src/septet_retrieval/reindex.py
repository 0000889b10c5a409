"""Building the lexical index anew behind its alias, while it is searched and written to.

A new version of the index follows the store from the beginning, as an index that lost everything would. It
keeps its own position, so a run that was ended goes on where it stood. Once it is nearly level, the alias
moves in a moment in which nobody applies changes: what was searchable before is searchable after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from septet_kit import Transient
from septet_kit.observe import get_logger
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from septet_retrieval.adapters.opensearch import Cluster
from septet_retrieval.adapters.turns import PostgresTurns
from septet_retrieval.follower import IndexFollower
from septet_retrieval.ports import LexicalIndex, PassageStore

log = get_logger()
T = TypeVar("T")

_ATTEMPTS = 8
_wait = wait_random_exponential(multiplier=0.2, max=15.0)


@dataclass(frozen=True)
class Progress:
    """How many of the store's documents the new version holds."""

    version: str
    done: int
    total: int


@dataclass(frozen=True)
class Reindexed:
    """What a run did: the alias moved from ``before`` to ``version``."""

    version: str
    before: str | None
    documents: int
    rejected: int


@dataclass(frozen=True)
class Options:
    """How to run: documents written together; whether the version before stays; how long calls on it last."""

    batch: int = 500
    keep_old: bool = False
    grace: timedelta = timedelta(seconds=10)


class Reindexer:
    """One run, from the choice of the version to the end of the old one."""

    def __init__(
        self, store: PassageStore, cluster: Cluster, turns: PostgresTurns, options: Options,
        report: Callable[[Progress], None],
    ) -> None:  # fmt: skip
        self._store = store
        self._cluster = cluster
        self._turns = turns
        self._options = options
        self._report = report
        self._rejected = 0

    async def run(self) -> Reindexed:
        """Build, move the alias, drop the old version.

        Raises:
            Transient: store or server stayed away; running again goes on from here.
            Permanent: another run is under way, or the server refuses.
        """
        versions = self._cluster.versions
        async with self._turns.reindexing():
            version = await versions.next()
            target = self._cluster.index(version)
            documents = await self._build(target, version)
            before = await _patiently(lambda: self._move(target, version))
            log.info("alias moved", alias=versions.alias, to=version, before=before)
            if before is not None and not self._options.keep_old:
                # Searches that began before the move may still be reading it.
                await asyncio.sleep(self._options.grace.total_seconds())
                await versions.drop(before)
        return Reindexed(version, before, documents, self._rejected)

    async def _move(self, target: LexicalIndex, version: str) -> str | None:
        async with self._turns.moving():
            await IndexFollower(self._store, target, timedelta(0)).catch_up()
            return await self._cluster.versions.publish(version)

    async def _build(self, target: LexicalIndex, version: str) -> int:
        """Follow the store until less than a batch is missing; returns the number of documents it has."""
        while True:
            pending = await self._pending(target)
            total = sum([await self._store.pending(tenant, 0) for tenant in pending])
            missing = sum(pending.values())
            self._report(Progress(version, total - missing, total))
            await self._round(target, version, pending, total)
            if missing < self._options.batch:
                return total

    async def _pending(self, target: LexicalIndex) -> Mapping[str, int]:
        """Documents of each tenant that the new version does not hold."""
        return {
            tenant: await self._store.pending(tenant, await target.position(tenant))
            for tenant in await self._store.positions()
        }

    async def _round(
        self, target: LexicalIndex, version: str, pending: Mapping[str, int], total: int
    ) -> None:
        done = total - sum(pending.values())
        for tenant, missing in pending.items():
            position = await target.position(tenant)
            while missing > 0:
                changes = await self._store.changes(tenant, position, self._options.batch)
                if not changes:
                    break
                position = changes[-1].sequence
                self._rejected += len(await _patiently(partial(target.apply, tenant, changes, position)))
                missing -= len(changes)
                done += len(changes)
                self._report(Progress(version, min(done, total), total))


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Run ``work``, again after a while when store or server are away for a moment."""
    retrying = AsyncRetrying(
        stop=stop_after_attempt(_ATTEMPTS), wait=_wait, retry=retry_if_exception_type(Transient), reraise=True
    )
    async for attempt in retrying:
        with attempt:
            return await work()
    raise AssertionError("tenacity returns or raises")
