"""The periodic purge."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from septet_cache.housekeeping import purge_periodically
from septet_cache.settings import CacheSettings
from septet_kit import Transient


class FailingOnce:
    """A store with a first purge that fails."""

    def __init__(self) -> None:
        self.purges: list[datetime] = []
        self.succeeded = asyncio.Event()

    async def purge(self, before: datetime) -> int:
        self.purges.append(before)
        if len(self.purges) == 1:
            raise Transient("store_unavailable", "down")
        self.succeeded.set()
        return 0


async def test_failed_purge_is_retried_after_the_interval() -> None:
    store: Any = FailingOnce()
    settings = CacheSettings(purge_interval=timedelta(milliseconds=1), audit=timedelta(days=30))
    purging = asyncio.create_task(purge_periodically(store, settings))
    await asyncio.wait_for(store.succeeded.wait(), 5)
    purging.cancel()
    await asyncio.gather(purging, return_exceptions=True)
    assert all(datetime.now(UTC) - before >= timedelta(days=30) for before in store.purges)
