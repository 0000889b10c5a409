"""Looking on the log whether a record in doubt is already there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.partitioner import DefaultPartitioner

from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.messaging.publisher import EVENT_ID_HEADER, headers_of

# Broker and database clocks may differ by this much before a record is looked for too late in the log.
_CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class Doubt:
    """A record that may or may not have been sent: where it would be, and since when."""

    topic: str
    key: bytes | None
    event_id: str
    since: datetime


async def find_sent(kafka: Kafka, doubts: Iterable[Doubt]) -> set[str]:
    """Return the event ids that are on the log, reading each partition once from the earliest doubt on."""
    doubts = list(doubts)
    counts = await _partition_counts(kafka, {d.topic for d in doubts})
    starts: dict[TopicPartition, datetime] = {}
    for doubt in doubts:
        for tp in _where(doubt, counts[doubt.topic]):
            starts[tp] = min(doubt.since, starts.get(tp, doubt.since))
    consumer = AIOKafkaConsumer(**KafkaConnection.of(kafka).options(), enable_auto_commit=False)
    await consumer.start()
    try:
        return await _scan(consumer, starts, {d.event_id for d in doubts})
    finally:
        await consumer.stop()


async def _partition_counts(kafka: Kafka, topics: set[str]) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**KafkaConnection.of(kafka).options())
    await admin.start()
    try:
        described = await admin.describe_topics(sorted(topics))
        return {t["topic"]: len(t["partitions"]) for t in described}
    finally:
        await admin.close()


def _where(doubt: Doubt, partitions: int) -> list[TopicPartition]:
    """The partition that the producer's partitioner gives the key; all of them for a record without one."""
    everywhere = list(range(partitions))
    if doubt.key is None:
        return [TopicPartition(doubt.topic, p) for p in everywhere]
    return [TopicPartition(doubt.topic, DefaultPartitioner()(doubt.key, everywhere, everywhere))]


async def _scan(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, datetime], ids: set[str]
) -> set[str]:
    if not starts:
        return set()
    consumer.assign(list(starts))
    times = {tp: int((since - _CLOCK_SKEW).timestamp() * 1000) for tp, since in starts.items()}
    offsets = await consumer.offsets_for_times(times)
    ends = await consumer.end_offsets(list(starts))
    left = set()
    for tp, found in offsets.items():
        if found is not None and found.offset < ends[tp]:
            consumer.seek(tp, found.offset)
            left.add(tp)
    consumer.pause(*(set(starts) - left))
    seen: set[str] = set()
    while left:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            for record in records:
                event = headers_of(record.headers).get(EVENT_ID_HEADER, b"").decode()
                if event in ids:
                    seen.add(event)
        left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    return seen
