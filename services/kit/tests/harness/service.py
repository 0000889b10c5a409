"""One process of a service, without its database: consumer, dispatcher, step runner and watchdog as production has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from aiokafka import TopicPartition
from septet_contracts import topic
from septet_kit.messaging.consumer import StageConsumer
from septet_kit.messaging.progress import Progress
from septet_kit.messaging.step import StepRunner
from septet_kit.settings import KitSettings
from septet_kit.spec import ServiceSpec, Stage
from septet_kit.tenants import Tenants

from ..support.kafka import Broker, SimulatedPublisher, Stored
from .kafka import FakeConsumer, FakeLog

TENANTS = Tenants(frozenset({"default", "acme"}))
SETTINGS = KitSettings(commit_interval=timedelta(milliseconds=1))


def partition(name: str, number: int = 0) -> TopicPartition:
    """A partition by the topic's short name."""
    return TopicPartition(topic(name).name, number)


@dataclass
class Process:
    """A running consumer and what it stands on."""

    consumer: StageConsumer
    client: FakeConsumer
    publisher: SimulatedPublisher
    progress: Progress
    task: asyncio.Task[None]

    def dead_letters(self) -> list[Stored]:
        """What the process has written to its dead-letter topic."""
        return self.sent("guardrails.dead")

    def sent(self, topic: str) -> list[Stored]:
        """What the process has published to a topic, by its short name."""
        return [r for r in self.publisher.client.broker.records if r.topic == f"septet.{topic}.v1"]

    async def until(self, done: object, timeout_s: float = 5.0) -> None:
        """Wait until the predicate holds.

        Raises:
            TimeoutError: it did not within ``timeout_s``.
            Exception: what ended the consumer.
        """
        assert callable(done)
        async with asyncio.timeout(timeout_s):
            while not done():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.001)


async def _nothing() -> None:
    """There is no outbox to settle."""


@asynccontextmanager
async def process(
    log: FakeLog,
    stages: Sequence[Stage],
    tps: Sequence[TopicPartition],
    *,
    killed: bool = False,
    settings: KitSettings = SETTINGS,
    publisher: SimulatedPublisher | None = None,
) -> AsyncIterator[Process]:
    """Run stages on a log; with ``killed`` the process ends as under ``kill -9``: without a commit, without a drain."""
    publisher = publisher or SimulatedPublisher(Broker())
    await publisher.start()
    progress = Progress()
    spec = ServiceSpec(
        "guardrails", tuple(s.topic for s in stages), ("screened", "missed", "outcomes", "labels")
    )
    runner = StepRunner(spec, publisher, TENANTS, progress.note_outage)
    client = FakeConsumer(log, tps)
    consumer = StageConsumer(client, {s.topic: s for s in stages}, settings, TENANTS, runner, progress)
    await consumer.start()
    tasks = [asyncio.create_task(consumer.run(_nothing)), asyncio.create_task(consumer.commit_loop())]
    try:
        yield Process(consumer, client, publisher, progress, tasks[0])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if killed:
            await _kill(consumer)
        else:
            await consumer.drain(1)
        await publisher.stop()


async def _kill(consumer: StageConsumer) -> None:
    running = list(consumer._dispatcher._tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
