"""Kafka producers and consumers of the command, for JSON records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.structs import ConsumerRecord, RecordMetadata
from septet_kit.errors import Permanent
from septet_kit.messaging.batches import tolerant_consumer
from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.messaging.diagnosis import diagnose

from septet_cli.errors import Unreachable

Record: TypeAlias = ConsumerRecord
MAX_RECORD_BYTES = 2 * 1024 * 1024


async def unreachable(kafka: Kafka) -> Unreachable:
    """The error for a failed connection: its cause and the setting to correct."""
    found = await diagnose(kafka)
    if isinstance(found, Permanent):
        return Unreachable(found.message, found.fix or "run `septet doctor`")
    return Unreachable(found.message, "start the stack with `septet up`, or correct SEPTET_KAFKA_BOOTSTRAP")


@asynccontextmanager
async def open_producer(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    """An idempotent producer that waits for all replicas.

    Raises:
        Unreachable: Kafka does not answer.
    """
    producer = AIOKafkaProducer(
        **KafkaConnection.of(kafka).options(),
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        max_request_size=MAX_RECORD_BYTES,
    )
    try:
        await producer.start()
    except (KafkaConnectionError, OSError) as error:
        await producer.stop()
        raise await unreachable(kafka) from error
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def open_consumer(kafka: Kafka, topics: Iterable[str]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all partitions of *topics*, without a group and without commits.

    Raises:
        Unreachable: Kafka does not answer, or a topic does not exist.
    """
    consumer = tolerant_consumer(
        **KafkaConnection.of(kafka).options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_RECORD_BYTES,
    )
    try:
        await consumer.start()
    except (KafkaConnectionError, OSError) as error:
        await consumer.stop()
        raise await unreachable(kafka) from error
    try:
        consumer.assign([p for topic in topics for p in await _partitions(consumer, kafka, topic)])
        yield consumer
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, kafka: Kafka, topic: str) -> list[TopicPartition]:
    found = consumer.partitions_for_topic(topic)
    for _ in range(20):
        if found:
            break
        # The first metadata may lack a topic that was just created.
        await asyncio.sleep(0.1)
        await consumer._client.force_metadata_update()
        found = consumer.partitions_for_topic(topic)
    if not found:
        raise Unreachable(
            f"Kafka at {KafkaConnection.of(kafka).bootstrap} has no topic {topic}.",
            "create the topics with `septet up`, or with `septet kafka apply` on your own cluster",
        )
    return [TopicPartition(topic, p) for p in sorted(found)]


def to_json(value: Mapping[str, Any]) -> bytes:
    """One JSON object, as bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


async def send(
    producer: AIOKafkaProducer, topic: str, key: str, value: Mapping[str, Any]
) -> asyncio.Future[RecordMetadata]:
    """Queue one JSON object; the returned future completes with the broker's acknowledgement."""
    try:
        sent: asyncio.Future[RecordMetadata] = await producer.send(topic, to_json(value), key=key.encode())
    except KafkaError as error:
        raise Unreachable(
            f"The record could not be sent to {topic}: {error}", "if it is too large, send a smaller body"
        ) from error
    return sent


def header(record: Record, name: str) -> str | None:
    """Value of the last header *name*, decoded as UTF-8."""
    found = [value for key, value in record.headers if key == name]
    return found[-1].decode("utf-8", "replace") if found else None
