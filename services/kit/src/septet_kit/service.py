"""A service process: its wiring, and the order in which its parts start."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import uvloop
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from septet_contracts import topic as find_topic

from septet_kit.errors import SeptetError, Transient
from septet_kit.lifecycle import Lifecycle, untraced
from septet_kit.messaging.consumer import StageConsumer, open_client
from septet_kit.messaging.progress import Progress
from septet_kit.messaging.publisher import Publisher
from septet_kit.messaging.step import StepRunner
from septet_kit.messaging.watchdog import LoopGuard, Watchdog
from septet_kit.namespace import LIVE, Namespace
from septet_kit.observe import logs, metrics, tracing
from septet_kit.observe.health import health_server
from septet_kit.settings import KitSettings
from septet_kit.spec import ServiceSpec, Stage, Task, Wiring
from septet_kit.store.instance_lock import InstanceLock
from septet_kit.store.outbox import Outbox
from septet_kit.store.pool import StorePool, open_pool
from septet_kit.tenants import Tenants

log = logs.get_logger()


class Kit:
    """What the chassis gives a service to wire itself with."""

    def __init__(self, spec: ServiceSpec, settings: KitSettings) -> None:
        self.spec = spec
        self.settings = settings
        self.names = settings.names
        self.instance = settings.member(spec.name)
        self.tenants = Tenants.load(settings.tenants_file, self.names)
        self.publisher = Publisher(settings.kafka(), self.instance, self.tenants)
        self.pools: list[StorePool] = []
        self.locks: list[InstanceLock] = []

    @asynccontextmanager
    async def open_pool(
        self, schema: str, revision: str, *, wait_for_disk: bool = True
    ) -> AsyncIterator[StorePool]:
        """As :func:`septet_kit.store.open_pool`, with its outbox and the instance lock, while the service runs.

        Raises:
            Transient: the database cannot be reached.
            Permanent: another process runs under this instance's name (code ``instance_taken``), or the schema's
                migrations are missing (``schema_behind``).
        """
        settings = self.settings.model_copy(update={"instance": self.instance})
        async with open_pool(settings, schema, revision, wait_for_disk=wait_for_disk) as pool:
            lock = InstanceLock(
                settings.postgres_dsn.get_secret_value(), self.names.qualify(schema), self.instance
            )
            await lock.acquire()
            pool.outbox.connect(self.publisher, self.tenants)
            self.pools.append(pool)
            self.locks.append(lock)
            try:
                yield pool
            finally:
                await lock.release()

    @asynccontextmanager
    async def open_live_pool(self, schema: str, revision: str) -> AsyncIterator[StorePool]:
        """A read-only pool on the live schema, for what a process of a namespace reads of the live side.

        The server rejects every write. The schema's outbox stays with the live processes.

        Raises:
            Transient, Permanent: as :meth:`open_pool`.
        """
        settings = self.settings.model_copy(update={"instance": self.instance, "namespace": LIVE.name})
        async with open_pool(settings, schema, revision, read_only=True) as pool:
            yield pool


Wire = Callable[[Kit], AbstractAsyncContextManager[Wiring]]


def run(spec: ServiceSpec, wire: Wire) -> None:
    """Run a service until SIGTERM or SIGINT; exits the process with 0, or 1 after an error."""
    settings = KitSettings()
    logs.configure(spec.name, settings.log_level)
    tracing.configure(
        spec.name, settings.member(spec.name), settings.otlp_endpoint, namespace=settings.namespace
    )
    metrics.namespace.labels(settings.namespace).set(1)
    AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]
    try:
        uvloop.run(_serve(spec, wire, settings))
    except* SeptetError as group:
        for error in _leaves(group):
            log.error(  # noqa: TRY400
                "service ended",
                code=getattr(error, "code", ""),
                error=str(error),
                field=getattr(error, "field", None),
                fix=getattr(error, "fix", None),
            )
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
        stages = {s.topic: s for s in _consumed(spec, wiring, kit.names)}
        progress = Progress()
        runner = StepRunner(spec, kit.publisher, kit.tenants, progress.note_outage)
        client = open_client(spec, settings, kit.instance)
        consumer = StageConsumer(client, stages, settings, kit.tenants, runner, progress)
        outboxes = [pool.outbox for pool in kit.pools]
        # Rows that this instance's previous process left are sent before any event of this process.
        await _sweep(outboxes)
        await consumer.start()
        longest = max(s.budget for s in stages.values())
        watchdog = Watchdog(consumer, kit.publisher, progress, settings.watchdog_timeout, longest)
        loop_guard = LoopGuard(settings.watchdog_timeout)
        settled = outboxes if spec.outbox else []
        # What exists now lives as long as the process. Full collections that walk through a model's tables would stop
        # every request in flight for tens of milliseconds.
        gc.collect()
        gc.freeze()
        await Lifecycle(
            consumer,
            kit.publisher,
            outboxes,
            consuming=[
                lambda: consumer.run(lambda: _settle(settled)),
                consumer.commit_loop,
                watchdog.run,
                loop_guard.run,
            ],
            background=[
                _health(settings, watchdog, consumer, progress, wiring),
                *map(untraced, wiring.background),
            ],
            upkeep=[*map(untraced, _upkeep(kit))],
            grace=settings.shutdown_grace,
        ).run(stop)


async def _sweep(outboxes: list[Outbox]) -> None:
    with suppress_instrumentation():
        for outbox in outboxes:
            await outbox.sweep()


async def _settle(outboxes: list[Outbox]) -> None:
    with suppress_instrumentation():
        for outbox in outboxes:
            await outbox.settle()


def _upkeep(kit: Kit) -> list[Task]:
    outboxes = [pool.outbox for pool in kit.pools]
    return [
        *(outbox.run for outbox in outboxes),
        *(outbox.keep_claims for outbox in outboxes),
        *(lock.guard for lock in kit.locks),
    ]


def _check(spec: ServiceSpec, wiring: Wiring) -> None:
    """Check that declaration and wiring name the same topics, because topics and ACLs follow the declaration."""
    declared = {find_topic(t).name for t in spec.consumes}
    wired = {find_topic(s.topic).name for s in wiring.stages}
    if declared != wired:
        raise ValueError(f"{spec.name} declares {sorted(declared)} but wires {sorted(wired)}")


def _consumed(spec: ServiceSpec, wiring: Wiring, names: Namespace) -> list[Stage]:
    """The stages that this process runs."""
    return [s for s in wiring.stages if names.is_live or s.topic not in spec.live_only]


def _health(
    settings: KitSettings, watchdog: Watchdog, consumer: StageConsumer, progress: Progress, wiring: Wiring
) -> Task:
    async def assigned() -> None:
        if not consumer.assigned:
            raise Transient("not_assigned", "the consumer group has not assigned partitions yet")

    async def reachable() -> None:
        if (outage := progress.outage) is not None:
            raise Transient("outage", outage)

    async def serve() -> None:
        if settings.health_port == 0:
            await asyncio.Event().wait()
        server = health_server(
            settings.health_port, watchdog.reason, (assigned, reachable, *wiring.ready), settings.health_host
        )
        await server.serve()

    return serve
