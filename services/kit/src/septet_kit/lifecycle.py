"""The life of a service process: what runs, and in which order it ends."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from opentelemetry.instrumentation.utils import suppress_instrumentation

from septet_kit.messaging.publisher import Publisher
from septet_kit.observe.logs import get_logger
from septet_kit.spec import Task
from septet_kit.store.outbox import Outbox

log = get_logger()

# After the grace of running steps, for the producer's last records and the clients' goodbyes.
_LAST_GRACE = timedelta(seconds=10)


class Drainable(Protocol):
    """A consumer that can be drained."""

    async def drain(self, grace_s: float) -> None:
        """Let running steps end within ``grace_s`` seconds, commit, and leave the group."""
        ...


@dataclass(frozen=True)
class Lifecycle:
    """Runs a service's tasks until it is stopped or one of them ends, then stops in order.

    1. The tasks of ``consuming`` end: nothing is fetched any more.
    2. The consumer is drained. Running steps still have everything that they need.
    3. The tasks of ``background`` end; steps may have waited for them.
    4. The producer sends what it holds. Claims are still renewed: no other process sends these rows.
    5. The tasks of ``upkeep`` (outboxes, instance locks) end, and the last marks are written.

    The caller closes the pools and clients of the service after that.
    """

    consumer: Drainable
    publisher: Publisher
    outboxes: Sequence[Outbox]
    consuming: Sequence[Task]
    background: Sequence[Task]
    upkeep: Sequence[Task]
    grace: timedelta

    async def run(self, stop: asyncio.Event, on_stop: Callable[[timedelta], None] | None = None) -> None:
        """Run until ``stop`` is set; ``on_stop`` is called with the most that the shutdown should take.

        Raises:
            Exception: a task failed; the first failure counts.
            RuntimeError: a task ended on its own.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._mark_sent)
            upkeep = await stack.enter_async_context(running(self.upkeep))
            stack.push_async_callback(self.publisher.stop)
            background = await stack.enter_async_context(running(self.background))
            stack.push_async_callback(self.consumer.drain, self.grace.total_seconds())
            consuming = await stack.enter_async_context(running(self.consuming))
            try:
                await first_end(stop, [*consuming, *background, *upkeep])
            finally:
                log.info("stopping")
                (on_stop or exit_within)(self.grace + _LAST_GRACE)

    async def _mark_sent(self) -> None:
        for outbox in self.outboxes:
            await outbox.mark_sent()


@asynccontextmanager
async def running(tasks: Iterable[Task]) -> AsyncIterator[list[asyncio.Future[None]]]:
    """Run tasks during a block, and cancel them after it."""
    started: list[asyncio.Future[None]] = [asyncio.ensure_future(task()) for task in tasks]
    try:
        yield started
    finally:
        for each in started:
            each.cancel()
        await asyncio.gather(*started, return_exceptions=True)


async def first_end(stop: asyncio.Event, tasks: Sequence[asyncio.Future[None]]) -> None:
    """Wait until ``stop`` is set or a task ends.

    Raises:
        Exception: the task failed.
        RuntimeError: the task ended on its own.
    """
    stopped: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
    for task in done - {stopped}:
        task.result()
        raise RuntimeError("a background task of the service ended")


def untraced(task: Task) -> Task:
    """A task without spans: background polling would fill the collector with traces of one query each."""

    async def quiet() -> None:
        with suppress_instrumentation():
            await task()

    return quiet


def exit_within(limit: timedelta) -> None:
    """End the process after ``limit``, whatever hangs: a client that cannot stop must not hold up a restart.

    The stacks of all threads go to standard error, because they show what hangs.
    """
    timer = threading.Timer(limit.total_seconds(), _exit, (limit,))
    timer.daemon = True
    timer.start()


def _exit(limit: timedelta) -> None:
    log.error("shutdown takes too long, ending the process", limit_s=limit.total_seconds())
    faulthandler.dump_traceback(all_threads=True)
    os._exit(1)
