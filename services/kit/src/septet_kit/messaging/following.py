"""Consumers without a group: they commit nothing, and each process reads every record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from septet_kit.errors import Transient
from septet_kit.messaging.batches import UndecodableRecord, tolerant_consumer
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.diagnosis import diagnose
from septet_kit.observe.logs import get_logger
from septet_kit.spec import Task

log = get_logger()

POLL_MS = 1000
_MAX_FETCH = 2 * 1024 * 1024
_ASSIGNED_S, _POLL_S = 3.0, 0.1
_STOP_S = 2.0
# The event loop keeps weak references to tasks.
_stopping: set[asyncio.Future[None]] = set()


@asynccontextmanager
async def following(
    kafka: KafkaConnection, topics: Iterable[str], receive: Callable[[Any], None]
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
    async with groupless_consumer(kafka, auto_offset_reset="latest") as consumer:
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
async def groupless_consumer(
    kafka: KafkaConnection, auto_offset_reset: str
) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer without a group, which is stopped after the block.

    Raises:
        Transient, Permanent: Kafka does not answer, or refuses the credentials.
    """
    consumer = tolerant_consumer(
        **kafka.options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset=auto_offset_reset,
        max_partition_fetch_bytes=_MAX_FETCH,
        isolation_level="read_committed",
    )
    try:
        try:
            await consumer.start()
        except KafkaConnectionError as error:
            raise await diagnose(kafka) from error
        yield consumer
    finally:
        await _stop(consumer)


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


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer. Neither an error nor a stop of more than ``_STOP_S`` holds up the record that it has read."""
    stopping = asyncio.ensure_future(consumer.stop())
    _stopping.add(stopping)
    stopping.add_done_callback(_stopped)
    if not (await asyncio.wait([stopping], timeout=_STOP_S))[0]:
        log.warning("a consumer is still stopping")


def _stopped(stopping: asyncio.Future[None]) -> None:
    _stopping.discard(stopping)
    if not stopping.cancelled() and (error := stopping.exception()):
        log.warning("a consumer did not stop", error=repr(error))
