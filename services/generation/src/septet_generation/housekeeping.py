"""Background task: delete epochs of old requests."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from septet_kit.errors import Transient
from septet_kit.observe import get_logger

from septet_generation.ports import Epochs

log = get_logger()


async def purge_forever(epochs: Epochs, older_than: timedelta, every: timedelta) -> None:
    """Purge until cancelled. A failed purge is logged and runs again after ``every``."""
    while True:
        try:
            await epochs.purge(older_than)
        except Transient as error:
            log.warning("purge failed, will retry", error=error.message)
        await asyncio.sleep(every.total_seconds())
