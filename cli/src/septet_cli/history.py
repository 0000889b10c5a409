"""Searches a topic for the earlier responses to a request."""

from __future__ import annotations

import json
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from septet_kit.messaging.connection import Kafka

from septet_cli.client import RESPONSES
from septet_cli.wire import open_consumer

WINDOW = 500


async def find_responses(
    kafka: Kafka, request_id: str, tenant: str | None = None, topic: str = RESPONSES
) -> list[dict[str, Any]]:
    """Retained responses to a request id, oldest first.

    Reads each partition backwards in windows and stops at the first window with a match.

    Args:
        kafka: connection to Kafka.
        request_id: the request.
        tenant: only responses to this tenant.
        topic: the topic to search.
    """
    needle = json.dumps(request_id).encode()
    async with open_consumer(kafka, [topic]) as consumer:
        partitions = sorted(consumer.assignment())
        first = await consumer.beginning_offsets(partitions)
        last = await consumer.end_offsets(partitions)
        for partition in partitions:
            found = await _search(consumer, partition, first[partition], last[partition], needle)
            found = [r for r in found if r["request_id"] == request_id and tenant in (None, r["tenant"])]
            if found:
                return found
    return []


async def _search(
    consumer: AIOKafkaConsumer, partition: TopicPartition, first: int, end: int, needle: bytes
) -> list[dict[str, Any]]:
    consumer.assign([partition])
    while end > first:
        start = max(first, end - WINDOW)
        found = [json.loads(v) for v in await _read(consumer, partition, start, end) if needle in v]
        if found:
            return found
        end = start
    return []


async def _read(consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int) -> list[bytes]:
    consumer.seek(partition, start)
    values: list[bytes] = []
    position = start
    while position < end:
        batches = await consumer.getmany(partition, timeout_ms=2000)
        for record in batches.get(partition, []):
            if record.offset < end and record.value:
                values.append(record.value)
        reached = await consumer.position(partition)
        if reached == position:
            break
        position = reached
    return values
