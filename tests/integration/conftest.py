"""The kit and one service on a real broker and a real database; the service runs in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord
from septet_contracts import topic
from septet_kit import KitSettings, ServiceSpec, Stage
from septet_kit.messaging.consumer import StageConsumer, open_client
from septet_kit.messaging.progress import Progress
from septet_kit.messaging.publisher import Publisher
from septet_kit.messaging.step import StepRunner
from septet_kit.store.pool import StorePool
from septet_kit.store.testing import bare_pool
from septet_kit.tenants import Tenants

RunService = Callable[..., AbstractAsyncContextManager[StageConsumer]]
ReadLog = Callable[..., Awaitable[list[ConsumerRecord]]]


async def _nothing() -> None:
    """There is no outbox to settle."""


@pytest.fixture
async def pool(settings: KitSettings) -> AsyncIterator[StorePool]:
    """The chassis' tables, and one for effects, in a schema of their own."""
    schema = f"t_{uuid4().hex[:8]}"
    async with bare_pool(settings, schema, ["CREATE TABLE effects (n int)"]) as opened:
        yield opened


@pytest.fixture
def run_service(settings: KitSettings) -> RunService:
    """Run stages in this process; ``crash=True`` leaves without committing, as ``kill -9`` does."""

    tenants = Tenants.load(settings.tenants_file)

    @asynccontextmanager
    async def run(
        stages: Sequence[Stage],
        produces: tuple[str, ...],
        name: str = "guardrails",
        *,
        group: str | None = None,
        crash: bool = False,
        settle: Callable[[], Awaitable[None]] = _nothing,
    ) -> AsyncIterator[StageConsumer]:
        spec = ServiceSpec(name, tuple(s.topic for s in stages), produces)
        grouped = ServiceSpec(group or f"{name}-{uuid4().hex[:8]}", spec.consumes, produces)
        publisher = Publisher(settings.kafka(), "test")
        await publisher.start()
        progress = Progress()
        runner = StepRunner(spec, publisher, tenants, progress.note_outage)
        client = open_client(grouped, settings, f"{grouped.name}-0")
        consumer = StageConsumer(client, {s.topic: s for s in stages}, settings, tenants, runner, progress)
        await consumer.start()
        tasks = [asyncio.create_task(consumer.run(settle))]
        if not crash:
            tasks.append(asyncio.create_task(consumer.commit_loop()))
        try:
            yield consumer
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if crash:
                for job in list(consumer._dispatcher._tasks):
                    job.cancel()
                await client.stop()
            else:
                await consumer.drain(5)
            await publisher.stop()

    return run


@pytest.fixture
async def publish(settings: KitSettings) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Publish raw bytes to a topic, as a client would."""
    producer = AIOKafkaProducer(**settings.kafka().options(), acks="all", max_request_size=4 * 1024 * 1024)
    await producer.start()

    async def send(name: str, value: bytes | None, key: bytes | None = None, **headers: str) -> None:
        raw = [(k, v.encode()) for k, v in headers.items()]
        await producer.send_and_wait(topic(name).name, value, key=key, headers=raw)

    yield send
    await producer.stop()


@pytest.fixture
def read_log(settings: KitSettings) -> ReadLog:
    """Read a topic from ``since`` until ``count`` records match ``where``, or ``wait`` has passed."""

    async def read(
        name: str,
        *,
        since: datetime,
        where: Callable[[Any], bool] = lambda _: True,
        count: int = 1,
        wait: timedelta = timedelta(seconds=20),
    ) -> list[ConsumerRecord]:
        consumer = AIOKafkaConsumer(**settings.kafka().options(), enable_auto_commit=False)
        await consumer.start()
        found: list[ConsumerRecord] = []
        try:
            partitions = [TopicPartition(topic(name).name, p) for p in range(topic(name).partitions)]
            consumer.assign(partitions)
            millis = int(since.timestamp() * 1000)
            # Read first: a record that arrives between the two look-ups is then behind the end, not lost.
            ends = await consumer.end_offsets(partitions)
            starts = await consumer.offsets_for_times(dict.fromkeys(partitions, millis))
            for tp, start in starts.items():
                consumer.seek(tp, ends[tp] if start is None else start.offset)
            loop = asyncio.get_running_loop()
            end = loop.time() + wait.total_seconds()
            while len(found) < count and loop.time() < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [r for r in records if where(r)]
        finally:
            await consumer.stop()
        return found

    return read


async def run_once(dsn: str, statement: str, *args: object) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement, *args)
    finally:
        await connection.close()
