"""Looks on the log for records that may have been sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.partitioner import DefaultPartitioner

from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.messaging.reader import open_reader, records_since
from septet_kit.record import EVENT_ID_HEADER, headers_of


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
    if not starts:
        return set()
    ids = {s.event_id.encode(): s.event_id for s in sends}
    # A transaction that another producer left open must not hide records.
    async with open_reader(kafka, isolation_level="read_uncommitted") as consumer:
        consumer.assign(list(starts))
        return {
            event_id
            async for record in records_since(consumer, starts)
            if (event_id := ids.get(headers_of(record.headers).get(EVENT_ID_HEADER, b"")))
        }


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
