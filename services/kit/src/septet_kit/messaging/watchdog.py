"""Ends a process that hangs: known bugs of client libraries are only cured by a restart."""

from __future__ import annotations

import asyncio
import faulthandler
from datetime import timedelta
from typing import Protocol

from aiokafka.errors import KafkaError

from septet_kit.messaging.progress import Progress
from septet_kit.observe.logs import get_logger

log = get_logger()

_CHECK_S = 5.0
_TICK_S = 1.0


class Stuck(RuntimeError):
    """The process cannot do its work, and a restart may help."""


class Watched(Protocol):
    """The consumer, as the watchdog sees it."""

    @property
    def in_flight(self) -> int: ...
    async def lag(self) -> int: ...
    def keep_trails(self) -> None: ...


class Sender(Protocol):
    """The publisher, as the watchdog sees it.

    ``failure`` is the reason of a fatal state; ``blocked_s`` the age in seconds of the oldest send without an
    acknowledgement.
    """

    @property
    def failure(self) -> str | None: ...
    @property
    def blocked_s(self) -> float: ...


class Watchdog:
    """Fails health, then ends the process, when there is work and none of it moves.

    A dead producer ends the process at once. Publishing that blocks for longer than ``timeout`` is unhealthy.
    """

    def __init__(
        self,
        consumer: Watched,
        sender: Sender,
        progress: Progress,
        timeout: timedelta,
        longest_budget: timedelta,
        check_s: float = _CHECK_S,
    ) -> None:
        self._consumer = consumer
        self._sender = sender
        self._progress = progress
        self._blocked_limit_s = timeout.total_seconds()
        self._limit_s = max(timeout, longest_budget + timedelta(seconds=10)).total_seconds()
        self._check_s = check_s

    def reason(self) -> str | None:
        """Why the process is not healthy, or ``None``."""
        if (failure := self._sender.failure) is not None:
            return f"the producer has failed: {failure}"
        if (blocked := self._sender.blocked_s) > self._blocked_limit_s:
            return f"publishing has been blocked for {blocked:.0f} s"
        if self._consumer.in_flight and self._is_idle:
            return (
                f"{self._consumer.in_flight} records in flight, no progress for {self._progress.idle_s:.0f} s"
            )
        return None

    @property
    def _is_idle(self) -> bool:
        return self._progress.idle_s > self._limit_s and not self._progress.is_excused

    async def run(self) -> None:
        """Check every few seconds.

        Raises:
            Stuck: to end the process.
        """
        while True:
            await asyncio.sleep(self._check_s)
            await self.check()

    async def check(self) -> None:
        """Check once.

        Raises:
            Stuck: the producer has failed, or there is work and no progress.
        """
        if (failure := self._sender.failure) is not None:
            raise Stuck(f"the producer has failed: {failure}")
        try:
            async with asyncio.timeout(self._check_s):
                lag = await self._consumer.lag()
        except (KafkaError, TimeoutError) as error:
            self._progress.note_outage(f"Kafka: {error!r}")
            log.warning("lag unknown", error=repr(error))
            lag = 1
        if lag == 0 and not self._consumer.in_flight:
            self._progress.beat()
        if self._is_idle:
            self._consumer.keep_trails()
            raise Stuck(
                f"lag {lag}, in flight {self._consumer.in_flight}, no progress for {self._progress.idle_s:.0f} s"
            )


class LoopGuard:
    """Ends the process when its event loop stands still for ``limit``: no check that runs on the loop can.

    The timer is a thread of the interpreter's own that needs no GIL, so that a regular expression that never ends is
    caught, too. The stacks of all threads go to standard error.
    """

    def __init__(self, limit: timedelta) -> None:
        self._limit_s = limit.total_seconds()

    async def run(self) -> None:
        """Rearm the timer every second, until cancelled."""
        try:
            while True:
                faulthandler.dump_traceback_later(self._limit_s, exit=True)
                await asyncio.sleep(_TICK_S)
        finally:
            faulthandler.cancel_dump_traceback_later()
