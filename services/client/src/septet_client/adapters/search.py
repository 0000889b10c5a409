"""Searches a topic backwards."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from septet_client.adapters.consumers import partitions_of
from septet_client.adapters.reader import Reader
from septet_client.adapters.tail import as_record
from septet_client.errors import Unreachable
from septet_client.ports import Record

WINDOW = 500
_POLL_MS = 1000
_STALLS = 10


async def newest_first(
    consumer: AIOKafkaConsumer, topic: str, key: bytes | None, since: datetime | None
) -> AsyncGenerator[Record, None]:
    """The records of a topic since a time, partition by partition, each one's newest first.

    Raises:
        Unreachable: the topic does not exist, or the broker stops sending records.
        NotPermitted: the principal may not read it.
    """
    partitions = await partitions_of(consumer, [topic])
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    starts = await consumer.beginning_offsets(partitions)
    if since is not None:
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
        starts = {p: ends[p] if found[p] is None else found[p].offset for p in partitions}
    for partition in _likeliest_first(partitions, key):
        end = ends[partition]
        while end > starts[partition]:
            start = max(starts[partition], end - WINDOW)
            for record in reversed(await _between(consumer, partition, start, end)):
                yield record
            end = start


def _likeliest_first(partitions: list[TopicPartition], key: bytes | None) -> list[TopicPartition]:
    """The partition that producers give the key comes first. It may be another one if partitions were added."""
    if key is None:
        return partitions
    numbers = [p.partition for p in partitions]
    own = DefaultPartitioner()(key, numbers, numbers)
    return sorted(partitions, key=lambda p: p.partition != own)


async def _between(
    consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int
) -> list[Record]:
    consumer.assign([partition])
    consumer.seek(partition, start)
    reader = Reader(consumer, {partition: start})
    records: list[Record] = []
    position, stalls = start, 0
    while position < end:
        records += [as_record(raw) for raw in await reader.poll(_POLL_MS) if raw.offset < end]
        reached = await consumer.position(partition)
        stalls = stalls + 1 if reached == position else 0
        if stalls == _STALLS:
            raise Unreachable(f"the broker sends no record of {partition.topic}")
        position = reached
    return records
