"""Looks on the log for records that may have been sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.partitioner import DefaultPartitioner

from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.record import EVENT_ID_HEADER, headers_of

# Broker and database clocks may differ by this much before a record is looked for too late in the log.
_CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class UncertainSend:
    """A record that may or may not be on the log: its topic, its key, and the earliest time of its send."""

    topic: str
    key: bytes | None
    event_id: str
    since: datetime


async def find_sent(kafka: Kafka, sends: Iterable[UncertainSend]) -> set[str]:
    """Return the event ids that are on the log, reading each partition once from the earliest uncertain send on."""
    sends = list(sends)
    counts = await _partition_counts(kafka, {s.topic for s in sends})
    starts: dict[TopicPartition, datetime] = {}
    for send in sends:
        for tp in _where(send, counts[send.topic]):
            starts[tp] = min(send.since, starts.get(tp, send.since))
    consumer = AIOKafkaConsumer(**KafkaConnection.of(kafka).options(), enable_auto_commit=False)
    await consumer.start()
    try:
        return await _scan(consumer, starts, {s.event_id for s in sends})
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


def _where(send: UncertainSend, partitions: int) -> list[TopicPartition]:
    """The partition that the producer's partitioner gives the key; all of them for a record without one."""
    everywhere = list(range(partitions))
    if send.key is None:
        return [TopicPartition(send.topic, p) for p in everywhere]
    return [TopicPartition(send.topic, DefaultPartitioner()(send.key, everywhere, everywhere))]


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
