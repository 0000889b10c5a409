"""Reads the records of a topic from a time on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from septet_kit.messaging.connection import Kafka

from septet_cli.errors import Unreachable
from septet_cli.tail import Listener
from septet_cli.wire import Record, open_consumer

STALL_S = 10.0


async def read_window(
    kafka: Kafka, topic: str, since: datetime, limit: int, listener: Listener
) -> datetime | None:
    """Call *listener* with the records of *topic* since a time: the newest ones, about *limit* at most.

    Returns:
        The time from which on no record was left out; None if none since *since* was.

    Raises:
        Unreachable: Kafka does not answer, or stops sending records.
    """
    async with open_consumer(kafka, [topic]) as consumer:
        ends = await seek_to_time(consumer, since)
        share = -(-limit // len(ends))
        cut: dict[TopicPartition, datetime | None] = {}
        for partition, end in ends.items():
            if await consumer.position(partition) < end - share:
                consumer.seek(partition, end - share)
                cut[partition] = None
        async for record in records_until(consumer, ends):
            partition = TopicPartition(record.topic, record.partition)
            if partition in cut and cut[partition] is None:
                cut[partition] = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            listener(record)
    return max((at for at in cut.values() if at is not None), default=None)


async def seek_to_time(consumer: AIOKafkaConsumer, since: datetime) -> dict[TopicPartition, int]:
    """Seek each partition to its first record since a time; return the end offsets."""
    partitions = sorted(consumer.assignment())
    # Read the ends first: a record that arrives between both calls is then behind an end.
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    starts = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
    for partition, start in starts.items():
        consumer.seek(partition, ends[partition] if start is None else start.offset)
    return ends


async def records_until(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> AsyncIterator[Record]:
    """Yield the records from the current positions to the end offsets, and those that were fetched with them.

    Raises:
        Unreachable: no record arrives for ``STALL_S``.
    """
    behind = [p for p, end in ends.items() if await consumer.position(p) < end]
    moved = time.monotonic()
    while behind:
        before = [await consumer.position(p) for p in behind]
        batches = await consumer.getmany(*behind, timeout_ms=500)
        for records in batches.values():
            for record in records:
                yield record
        if batches or [await consumer.position(p) for p in behind] != before:
            moved = time.monotonic()
        elif time.monotonic() - moved > STALL_S:
            raise Unreachable(
                f"Kafka sent no record of {behind[0].topic} for {STALL_S:.0f} s.", "run `septet doctor`"
            )
        behind = [p for p in behind if await consumer.position(p) < ends[p]]
