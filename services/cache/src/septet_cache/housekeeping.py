"""Periodic deletion of entries and vetoes that ended before the audit period."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from septet_kit import Transient
from septet_kit.observe import get_logger

from septet_cache.ports import EntryStore
from septet_cache.settings import CacheSettings

log = get_logger()


async def purge_periodically(store: EntryStore, settings: CacheSettings) -> None:
    """Purge every ``purge_interval``. A purge that fails with ``Transient`` is retried after the next interval."""
    while True:
        try:
            deleted = await store.purge(datetime.now(UTC) - settings.audit)
            log.debug("purged", entries=deleted)
        except Transient as error:
            log.warning("purge failed, will be retried", code=error.code)
        await asyncio.sleep(settings.purge_interval.total_seconds())
