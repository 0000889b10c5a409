"""Background task: delete old request ids."""

from __future__ import annotations

import asyncio

from septet_kit.errors import Transient
from septet_kit.observe import get_logger

from septet_gateway.ports import RequestTable
from septet_gateway.settings import GatewaySettings

log = get_logger()


class Purger:
    """Deletes request ids after the retention time."""

    def __init__(self, requests: RequestTable, settings: GatewaySettings) -> None:
        self._requests = requests
        self._settings = settings

    async def run(self) -> None:
        """Purge until cancelled. An unavailable database fails the round and not the task."""
        while True:
            try:
                await self._requests.purge(self._settings.remember_for)
            except Transient as error:
                log.warning("purge failed, retrying", error=error.message)
            await asyncio.sleep(self._settings.tidy_every.total_seconds())
