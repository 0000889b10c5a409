"""Background tasks: delete old request ids, end a process that can publish no more."""

from __future__ import annotations

import asyncio
from typing import Protocol

from septet_kit.errors import Transient
from septet_kit.observe import get_logger

from septet_gateway.ports import RequestTable
from septet_gateway.settings import GatewaySettings

log = get_logger()

_CHECK_S = 1.0


class Sender(Protocol):
    """A producer that may fail for good."""

    @property
    def failure(self) -> str | None:
        """Why nothing can be published any more; ``None`` while it can."""
        ...


class ProducerGuard:
    """Ends the process when its producer has failed: only a new process gets a new producer."""

    def __init__(self, sender: Sender, check_s: float = _CHECK_S) -> None:
        self._sender = sender
        self._check_s = check_s

    async def run(self) -> None:
        """Check every second.

        Raises:
            RuntimeError: the producer has failed.
        """
        while True:
            if (failure := self._sender.failure) is not None:
                raise RuntimeError(f"the producer has failed: {failure}")
            await asyncio.sleep(self._check_s)


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
