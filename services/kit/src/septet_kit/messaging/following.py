"""Topics that each process follows without a consumer group and without commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from septet_kit.errors import Transient
from septet_kit.messaging.batches import UndecodableRecord
from septet_kit.messaging.connection import Kafka
from septet_kit.messaging.reader import POLL_MS, open_reader
from septet_kit.spec import Task

_ASSIGNED_S, _POLL_S = 3.0, 0.1


@asynccontextmanager
async def following(
    kafka: Kafka, topics: Iterable[str], receive: Callable[[Any], None]
) -> AsyncIterator[Task]:
    """Follow topics from their ends; yields the function of the task that reads. It misses no record from here on.

    Args:
        kafka: connection to Kafka.
        topics: full names.
        receive: called with each record that has a value and can be decoded.

    Raises:
        Transient, Permanent: Kafka does not answer, refuses the credentials, or a topic does not exist.
    """
    names = list(topics)
    async with open_reader(kafka, auto_offset_reset="latest") as consumer:
        consumer.subscribe(names)
        await assigned_partitions(consumer, names)
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)

        async def run() -> None:
            while True:
                for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                    for record in records:
                        if record.value and not isinstance(record, UndecodableRecord):
                            receive(record)

        yield run


@asynccontextmanager
async def following_state(kafka: Kafka, name: str, receive: Callable[[Any], None]) -> AsyncIterator[Task]:
    """Read a compacted topic from its beginning; yields the function of the task that goes on reading.

    On entry the present record of each key was received.

    Args:
        kafka: connection to Kafka.
        name: full name of the topic.
        receive: called with each record that has a value and can be decoded.

    Raises:
        Transient, Permanent: Kafka does not answer, refuses the credentials, or the topic does not exist.
    """
    async with open_reader(kafka, auto_offset_reset="earliest") as consumer:
        consumer.subscribe([name])
        partitions = await assigned_partitions(consumer, [name])
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)

        async def read() -> None:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    if record.value and not isinstance(record, UndecodableRecord):
                        receive(record)

        async def run() -> None:
            while True:
                await read()

        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            await read()
        yield run


async def assigned_partitions(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """The partitions of topics, all of which are assigned to the consumer.

    Raises:
        Transient: a topic does not exist (code ``topic_missing``).
    """
    wanted = set(topics)
    with suppress(TimeoutError):
        async with asyncio.timeout(_ASSIGNED_S):
            while {p.topic for p in consumer.assignment()} != wanted:  # noqa: ASYNC110 - aiokafka has no event for it
                await asyncio.sleep(_POLL_S)
            return sorted(consumer.assignment())
    missing = sorted(wanted - {p.topic for p in consumer.assignment()})
    raise Transient(
        "topic_missing", f"Kafka has no topic {missing[0]}", fix="create it with `septet kafka apply`"
    )
