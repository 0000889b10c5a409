"""A service process: what starts, in which order, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta

import uvloop
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from septet_contracts import topic as find_topic

from septet_kit.errors import SeptetError, Transient
from septet_kit.messaging.consumer import StageConsumer, open_client
from septet_kit.messaging.progress import Progress
from septet_kit.messaging.publisher import Publisher
from septet_kit.messaging.step import StepRunner
from septet_kit.messaging.watchdog import LoopGuard, Watchdog
from septet_kit.observe import logs, tracing
from septet_kit.observe.health import health_server
from septet_kit.settings import KitSettings
from septet_kit.spec import ServiceSpec, Task, Wiring
from septet_kit.store.life import Life
from septet_kit.store.outbox import Sweeper, flush_marks
from septet_kit.store.pool import StorePool, open_pool
from septet_kit.tenants import Tenants

log = logs.get_logger()

_LAST_GRACE = timedelta(seconds=10)


class Kit:
    """What the chassis gives a service to wire itself with."""

    def __init__(self, spec: ServiceSpec, settings: KitSettings) -> None:
        self.spec = spec
        self.settings = settings
        self.instance = settings.instance or f"{spec.name}-0"
        self.tenants = Tenants.load(settings.tenants_file)
        self.publisher = Publisher(settings.kafka(), self.instance, self.tenants)
        self.pools: list[StorePool] = []
        self.lives: list[Life] = []

    @asynccontextmanager
    async def open_pool(
        self, schema: str, revision: str, *, wait_for_disk: bool = True
    ) -> AsyncIterator[StorePool]:
        """As :func:`septet_kit.store.open_pool`, and its outbox is swept while the service runs.

        Raises:
            Transient: the database cannot be reached.
            Permanent: another process runs under this instance's name (code ``instance_taken``), or the schema's
                migrations are missing (``schema_behind``).
        """
        settings = self.settings.model_copy(update={"instance": self.instance})
        async with open_pool(settings, schema, revision, wait_for_disk=wait_for_disk) as pool:
            life = Life(settings.postgres_dsn.get_secret_value(), schema, self.instance)
            await life.acquire()
            pool.tenants = self.tenants
            self.pools.append(pool)
            self.lives.append(life)
            try:
                yield pool
            finally:
                await life.release()


Wire = Callable[[Kit], AbstractAsyncContextManager[Wiring]]


def run(spec: ServiceSpec, wire: Wire) -> None:
    """Run a service until SIGTERM or SIGINT; exits the process with 0, or 1 after an error."""
    settings = KitSettings()
    instance = settings.instance or f"{spec.name}-0"
    logs.configure(spec.name, settings.log_level)
    tracing.configure(spec.name, instance, settings.otlp_endpoint)
    AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]
    try:
        uvloop.run(_serve(spec, wire, settings))
    except* SeptetError as group:
        for error in _leaves(group):
            log.error(  # noqa: TRY400
                "service ended", code=getattr(error, "code", ""), error=str(error),
                field=getattr(error, "field", None), fix=getattr(error, "fix", None),
            )  # fmt: skip
        sys.exit(1)
    except* Exception as group:
        log.error("service ended", error=repr(group), exc_info=group)  # noqa: TRY400
        sys.exit(1)
    finally:
        tracing.shutdown()


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


async def _serve(spec: ServiceSpec, wire: Wire, settings: KitSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    kit = Kit(spec, settings)
    async with AsyncExitStack() as stack:
        await kit.publisher.start()
        stack.push_async_callback(kit.publisher.stop)
        wiring = await stack.enter_async_context(wire(kit))
        _check(spec, wiring)
        stages = {s.topic: s for s in wiring.stages}
        progress = Progress()
        runner = StepRunner(spec, kit.publisher, kit.tenants, progress.note_outage)
        client = open_client(spec, settings, kit.instance)
        consumer = StageConsumer(client, stages, settings, kit.tenants, runner, progress)
        sweepers = [Sweeper(p, kit.publisher, settings.kafka()) for p in kit.pools]
        # What this instance's earlier life left goes before anything that this one makes, in the background, too.
        with suppress_instrumentation():
            for sweeper in sweepers:
                await sweeper.sweep()
        await consumer.start()
        settled = sweepers if spec.outbox else ()
        longest = max(s.budget for s in wiring.stages)
        watchdog = Watchdog(consumer, kit.publisher, progress, settings.watchdog_timeout, longest)
        loop_guard = LoopGuard(settings.watchdog_timeout)
        # What exists now lives as long as the process; a full collection that walked through a model's tables
        # again and again would stop every request in flight for tens of milliseconds.
        gc.collect()
        gc.freeze()
        try:
            await _until_stopped(
                stop,
                [
                    lambda: consumer.run(lambda: _settle(settled, progress)), consumer.commit_loop, watchdog.run, loop_guard.run,
                    _health(settings, watchdog, consumer, wiring),
                    *map(_untraced, _chores(kit, sweepers)), *map(_untraced, wiring.background),
                ],
            )  # fmt: skip
        finally:
            log.info("stopping")
            _end_by(settings.shutdown_grace + _LAST_GRACE)
            await _leave(kit, consumer, sweepers)


async def _settle(sweepers: Sequence[Sweeper], progress: Progress) -> None:
    with suppress_instrumentation():
        for sweeper in sweepers:
            await sweeper.settle(progress.beat)


def _chores(kit: Kit, sweepers: Sequence[Sweeper]) -> Iterator[Task]:
    for sweeper in sweepers:
        yield sweeper.run
        yield sweeper.keep_claims
    for life in kit.lives:
        yield life.guard


async def _leave(kit: Kit, consumer: StageConsumer, sweepers: Sequence[Sweeper]) -> None:
    """Let running steps end and the producer send what it holds; its claims are kept for as long as it may send."""
    keeping = [asyncio.ensure_future(_untraced(sweeper.keep_claims)()) for sweeper in sweepers]
    try:
        await consumer.drain(kit.settings.shutdown_grace.total_seconds())
        await kit.publisher.stop()
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
    for pool in kit.pools:
        await flush_marks(pool)


def _end_by(limit: timedelta) -> None:
    """End the process in ``limit`` whatever hangs: a client that cannot stop must not hold up a restart."""
    timer = threading.Timer(limit.total_seconds(), os._exit, (1,))
    timer.daemon = True
    timer.start()


def _check(spec: ServiceSpec, wiring: Wiring) -> None:
    """The declaration and the wiring must say the same, because topics and ACLs follow the declaration."""
    declared = {find_topic(t).name for t in spec.consumes}
    wired = {find_topic(s.topic).name for s in wiring.stages}
    if declared != wired:
        raise ValueError(f"{spec.name} declares {sorted(declared)} but wires {sorted(wired)}")


async def _until_stopped(stop: asyncio.Event, tasks: list[Task]) -> None:
    """Run tasks until ``stop`` is set; the first that fails, or ends on its own, ends them all."""
    running = [asyncio.ensure_future(task()) for task in tasks]
    waiter = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait([waiter, *running], return_when=asyncio.FIRST_COMPLETED)
    for task in (waiter, *running):
        task.cancel()
    await asyncio.gather(waiter, *running, return_exceptions=True)
    for task in done - {waiter}:
        task.result()
        raise RuntimeError("a background task of the service ended")


def _untraced(task: Task) -> Task:
    """Background polling would otherwise fill the collector with traces of one query each."""

    async def quiet() -> None:
        with suppress_instrumentation():
            await task()

    return quiet


def _health(settings: KitSettings, watchdog: Watchdog, consumer: StageConsumer, wiring: Wiring) -> Task:
    async def assigned() -> None:
        if not consumer.assigned:
            raise Transient("not_assigned", "the consumer group has not assigned partitions yet")

    async def serve() -> None:
        if settings.health_port == 0:
            await asyncio.Event().wait()
        server = health_server(
            settings.health_port, watchdog.reason, (assigned, *wiring.ready), settings.health_host
        )
        await server.serve()

    return serve
