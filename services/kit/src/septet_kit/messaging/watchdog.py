"""Ends a process whose client hangs: known client bugs are only cured by a restart."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from aiokafka.errors import KafkaError

from septet_kit.messaging.consumer import StageConsumer
from septet_kit.observe.logs import get_logger

log = get_logger()

_CHECK_S = 5.0


class Stuck(RuntimeError):
    """There is work, and none of it moves."""


class Watchdog:
    """Fails health, then ends the process, when there is lag and no progress for ``timeout``."""

    def __init__(self, consumer: StageConsumer, timeout: timedelta, longest_budget: timedelta) -> None:
        self._consumer = consumer
        self._limit_s = max(timeout, longest_budget + timedelta(seconds=10)).total_seconds()

    def reason(self) -> str | None:
        """Why the process is not healthy, or ``None``."""
        idle = time.monotonic() - self._consumer.last_progress
        if self._consumer.in_flight and idle > self._limit_s:
            return f"{self._consumer.in_flight} records in flight, no progress for {idle:.0f} s"
        return None

    async def run(self) -> None:
        """Check every few seconds.

        Raises:
            Stuck: to end the process.
        """
        while True:
            await asyncio.sleep(_CHECK_S)
            try:
                async with asyncio.timeout(_CHECK_S):
                    lag = await self._consumer.lag()
            except (KafkaError, TimeoutError) as error:
                log.warning("lag unknown", error=repr(error))
                continue
            if lag == 0 and not self._consumer.in_flight:
                self._consumer.beat()
            idle = time.monotonic() - self._consumer.last_progress
            if idle > self._limit_s:
                raise Stuck(f"lag {lag}, in flight {self._consumer.in_flight}, no progress for {idle:.0f} s")
