"""Follows topics while a test runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord
from septet_contracts import topic
from septet_kit.messaging.connection import KafkaConnection


class Tail:
    """The records of some topics since it was opened, in the order of their arrival."""

    def __init__(self) -> None:
        self.records: list[ConsumerRecord] = []
        self._arrived = asyncio.Event()

    def note(self, record: ConsumerRecord) -> None:
        """Keep one record."""
        self.records.append(record)
        self._arrived.set()

    def found(self, name: str, where: Callable[[ConsumerRecord], bool]) -> list[ConsumerRecord]:
        """What has arrived on a topic and fits."""
        return [r for r in self.records if r.topic == topic(name).name and where(r)]

    async def first(
        self, name: str, where: Callable[[ConsumerRecord], bool], within_s: float
    ) -> ConsumerRecord | None:
        """The first record on a topic that fits; ``None`` when ``within_s`` has passed without one."""
        try:
            async with asyncio.timeout(within_s):
                while not (found := self.found(name, where)):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return None
        return found[0]


@asynccontextmanager
async def following(consumer: Any, note: Callable[[ConsumerRecord], None]) -> AsyncIterator[None]:
    """Pass each record of a started consumer to ``note`` while inside."""

    async def pump() -> None:
        async for record in consumer:
            note(record)

    task = asyncio.create_task(pump())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def tail(kafka: KafkaConnection, *names: str) -> AsyncIterator[Tail]:
    """Follow topics from their ends while inside."""
    followed = Tail()
    consumer: Any = AIOKafkaConsumer(**kafka.options(), enable_auto_commit=False)
    await consumer.start()
    places = [TopicPartition(topic(n).name, p) for n in names for p in range(topic(n).partitions)]
    consumer.assign(places)
    await consumer.seek_to_end(*places)
    for place in places:
        await consumer.position(place)

    try:
        async with following(consumer, followed.note):
            yield followed
    finally:
        await consumer.stop()
