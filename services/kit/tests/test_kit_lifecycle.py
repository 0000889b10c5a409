"""The order in which a service stops: what a running step needs outlives it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from septet_contracts import Outcome
from septet_kit import Emit
from septet_kit.lifecycle import Lifecycle
from septet_kit.messaging.delivery import Delivery
from septet_kit.spec import Task
from septet_kit.store.outbox import Outbox
from septet_kit.tenants import SHARED_ONLY
from septet_kit.testing import flow

from .support.clock import simulated
from .support.database import Connection, Table
from .support.kafka import Broker, SimulatedPublisher


class Ingestor:
    """A background task that steps hand their work to."""

    def __init__(self) -> None:
        self._work: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()

    async def run(self) -> None:
        while True:
            done = await self._work.get()
            await asyncio.sleep(2)
            done.set_result(None)

    async def ingest(self) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._work.put(done)
        await done


class World:
    """A service on fakes, with real publisher, outbox and lifecycle; ``happened`` is what ended, in order."""

    def __init__(self, grace_s: float = 10) -> None:
        self.happened: list[str] = []
        self.broker, self.table = Broker(), Table()
        self.publisher = SimulatedPublisher(self.broker)
        self.publisher.client.on_stop = lambda: self.happened.append("producer")
        self.outbox = Outbox(Connection(self.table), "a-0")
        self.outbox.connect(self.publisher, SHARED_ONLY)
        self.delivery = Delivery(self.publisher)
        self.ingestor = Ingestor()
        self.steps: set[asyncio.Task[None]] = set()
        self.limits: list[timedelta] = []
        self.lifecycle = Lifecycle(
            consumer=self,
            publisher=self.publisher,
            outboxes=[self.outbox],
            consuming=[self._named("fetching", self._forever)],
            background=[self._named("background", self.ingestor.run)],
            upkeep=[self._named("outbox", self.outbox.run), self._named("claims", self.outbox.keep_claims)],
            grace=timedelta(seconds=grace_s),
        )

    async def run(self, stop: asyncio.Event) -> None:
        await self.publisher.start()
        await self.lifecycle.run(stop, self.limits.append)

    async def drain(self, grace_s: float) -> None:
        """As the stage consumer: running steps end, or are cut off."""
        if self.steps:
            _, late = await asyncio.wait(self.steps, timeout=grace_s)
            for step in late:
                step.cancel()
        self.happened.append("drained")

    def step(self) -> None:
        """A document that is ingested, and whose event goes through the outbox."""

        async def work() -> None:
            await self.ingestor.ingest()
            event = flow(Outcome, request_id=f"r-{uuid4().hex[:8]}", answer="x")
            sealed = self.outbox.seal(Emit("outcomes", event))
            self.table.insert(sealed)
            await self.delivery.deliver([sealed.to_record(SHARED_ONLY)])
            self.happened.append("step")

        self.steps.add(asyncio.ensure_future(work()))

    def _named(self, name: str, task: Task) -> Task:
        async def run() -> None:
            try:
                await task()
            finally:
                self.happened.append(name)

        return run

    async def _forever(self) -> None:
        await asyncio.Event().wait()


@simulated
async def test_a_step_in_flight_ends_before_what_it_needs() -> None:
    world, stop = World(), asyncio.Event()
    running = asyncio.ensure_future(world.run(stop))
    await asyncio.sleep(1)
    world.step()
    await asyncio.sleep(0.5)
    stop.set()
    await running
    assert world.happened == [
        "fetching",
        "step",
        "drained",
        "background",
        "producer",
        "outbox",
        "claims",
    ]
    assert len(world.broker.records) == 1
    assert world.table.unsent() == [], "the last marks are written"
    assert world.limits == [timedelta(seconds=20)]


@simulated
async def test_claims_are_kept_while_the_producer_flushes() -> None:
    world, stop = World(), asyncio.Event()
    other = Outbox(Connection(world.table), "b-0")
    elsewhere = SimulatedPublisher(world.broker, "b")
    await elsewhere.start()
    other.connect(elsewhere, SHARED_ONLY)
    sweeping = asyncio.ensure_future(other.run())
    running = asyncio.ensure_future(world.run(stop))
    world.publisher.client.answers.clear()
    world.step()
    await asyncio.sleep(3)
    flushed = asyncio.Event()
    stopping = world.publisher.client.stop

    async def flush() -> None:
        await flushed.wait()
        world.publisher.client.answers.set()
        await stopping()

    world.publisher.client.stop = flush  # type: ignore[method-assign]
    stop.set()
    await asyncio.sleep(60)
    assert world.happened == ["fetching", "drained", "background"]
    assert world.broker.records == [], "another instance's sweep leaves the row to the producer that has it"
    flushed.set()
    await running
    sweeping.cancel()
    assert len(world.broker.records) == 1


@simulated
async def test_a_task_that_fails_stops_the_service_in_the_same_order() -> None:
    world = World()

    async def fail() -> None:
        await asyncio.sleep(1)
        raise LookupError("broken")

    world.lifecycle.background[0:0] = [fail]  # type: ignore[index]
    world.step()
    with pytest.raises(LookupError, match="broken"):
        await world.run(asyncio.Event())
    assert world.happened == ["fetching", "step", "drained", "background", "producer", "outbox", "claims"]


@simulated
async def test_a_task_that_ends_on_its_own_stops_the_service() -> None:
    world = World()

    async def end() -> None:
        await asyncio.sleep(1)

    world.lifecycle.upkeep[0:0] = [end]  # type: ignore[index]
    with pytest.raises(RuntimeError, match="ended"):
        await world.run(asyncio.Event())
    assert world.happened[-3:] == ["producer", "outbox", "claims"]


@simulated
async def test_a_part_that_cannot_stop_does_not_keep_the_others_from_it() -> None:
    world, stop = World(), asyncio.Event()

    async def broken(grace_s: float) -> None:
        raise OSError("the broker is gone")

    world.drain = broken  # type: ignore[method-assign]
    stop.set()
    with pytest.raises(OSError, match="gone"):
        await world.run(stop)
    assert world.happened == ["fetching", "background", "producer", "outbox", "claims"]


@simulated
async def test_steps_that_take_too_long_are_cut_off() -> None:
    world, stop = World(grace_s=1), asyncio.Event()
    running = asyncio.ensure_future(world.run(stop))
    await asyncio.sleep(0.1)
    world.step()
    stop.set()
    await running
    assert "step" not in world.happened
    assert world.happened[:2] == ["fetching", "drained"]
