"""Background tasks: delete old rows, read the backlog, end a process that can publish no more."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Protocol

from septet_kit.errors import Transient
from septet_kit.observe import get_logger

from septet_gateway.application.backpressure import Backpressure
from septet_gateway.ports import Backlog, RequestTable, UsageTable
from septet_gateway.settings import GatewaySettings

log = get_logger()

_CHECK_S = 1.0
# The counts of a key that was not used for this time are zero, unless it had used the tokens of a whole day.
_IDLE_KEY = timedelta(days=1)


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
    """Deletes request ids after the retention time, and the counts of idle keys."""

    def __init__(self, requests: RequestTable, usage: UsageTable, settings: GatewaySettings) -> None:
        self._requests = requests
        self._usage = usage
        self._settings = settings

    async def run(self) -> None:
        """Purge until cancelled. An unavailable database fails the round and not the task."""
        while True:
            try:
                await self._requests.purge(self._settings.remember_for)
                await self._usage.purge(_IDLE_KEY)
            except Transient as error:
                log.warning("purge failed, retrying", error=error.message)
            await asyncio.sleep(self._settings.tidy_every.total_seconds())


class BacklogMeter:
    """Reads the backlog of the first stage at an interval. A failed read means that it is unknown."""

    def __init__(self, backlog: Backlog, pressure: Backpressure, every: timedelta) -> None:
        self._backlog = backlog
        self._pressure = pressure
        self._every_s = every.total_seconds()

    async def run(self) -> None:
        """Read until cancelled."""
        is_known = True
        while True:
            try:
                self._pressure.note(await self._backlog.read())
                is_known = True
            except Transient as error:
                self._pressure.note(None)
                if is_known:
                    log.warning("the backlog is unknown, questions are not refused", error=error.message)
                is_known = False
            await asyncio.sleep(self._every_s)
