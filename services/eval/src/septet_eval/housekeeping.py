"""Background tasks: expire overdue requests, and delete old ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from septet_contracts import StageTiming
from septet_kit import Transient
from septet_kit.observe.logs import get_logger

from septet_eval import telemetry
from septet_eval.domain.response import Pending, Publication, ReleaseContext, expired, milliseconds
from septet_eval.ports import RequestRegistry

Publish = Callable[..., Awaitable[None]]
log = get_logger()


class DeadlineSweeper:
    """Releases ``expired`` for every request that has no outcome at its deadline.

    Several processes may sweep at the same time. A response that cannot be sent stays in the outbox.
    """

    def __init__(self, registry: RequestRegistry, publish: Publish, interval: timedelta, batch: int) -> None:
        self._registry = registry
        self._publish = publish
        self._interval_s = interval.total_seconds()
        self._batch = batch

    async def run(self) -> None:
        """Sweep until cancelled. A full batch is followed by the next one without a pause."""
        while True:
            if await _one_round("sweep", self.sweep) < self._batch:
                await asyncio.sleep(self._interval_s)

    async def sweep(self) -> int:
        """Expire one batch; returns its size.

        Raises:
            Transient: the database or the broker is not available.
        """
        batch = await self._registry.expire(expiring, self._batch)
        for item in batch:
            telemetry.ended(item)
        if batch:
            await self._publish(*(emit for item in batch for emit in item.emits))
        return len(batch)


class Purger:
    """Deletes requests after the retention time. Their ids may be used again after that."""

    def __init__(self, registry: RequestRegistry, retention: timedelta, interval: timedelta) -> None:
        self._registry = registry
        self._retention = retention
        self._interval_s = interval.total_seconds()

    async def run(self) -> None:
        """Purge until cancelled."""
        while True:
            deleted = await _one_round("purge", lambda: self._registry.purge(self._retention))
            if deleted:
                log.info("purged", requests=deleted)
            await asyncio.sleep(self._interval_s)


@contextmanager
def expiring(pending: Pending) -> Iterator[Publication]:
    """The expired response of a request, in the request's trace."""
    with telemetry.request_span("expire", pending) as trace_id:
        now = datetime.now(UTC)
        timing = StageTiming(stage="eval", queue_ms=milliseconds(pending.deadline, now), work_ms=0.0)
        yield expired(pending, ReleaseContext(at=now, timing=timing, trace_id=trace_id))


async def _one_round(task: str, work: Callable[[], Awaitable[int]]) -> int:
    """Run one round of a task. An unavailable dependency fails the round and not the task."""
    try:
        return await work()
    except Transient as error:
        log.warning("round failed, retrying", task=task, error=error.message)
        return 0
