"""Consumers without a group and without commits, and searches of the log with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import ConsumerRecord

from septet_kit.messaging.batches import tolerant_consumer
from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.messaging.diagnosis import diagnose
from septet_kit.observe.logs import get_logger

log = get_logger()

_MAX_FETCH = 2 * 1024 * 1024
POLL_MS = 1000
# The clock that dated an event may differ by this much from the broker's, which dates its record.
_CLOCK_SKEW = timedelta(minutes=1)
_STOP_S = 2.0
# The event loop keeps weak references to tasks.
_stopping: set[asyncio.Future[None]] = set()


@asynccontextmanager
async def open_reader(
    kafka: Kafka, *, auto_offset_reset: str = "earliest", isolation_level: str = "read_committed"
) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer without a group and without commits.

    Neither an error of its stop nor a stop of more than 2 s delays the caller.

    Raises:
        Transient, Permanent: Kafka does not answer, or refuses the credentials.
    """
    connection = KafkaConnection.of(kafka)
    consumer = tolerant_consumer(
        **connection.options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset=auto_offset_reset,
        max_partition_fetch_bytes=_MAX_FETCH,
        isolation_level=isolation_level,
    )
    try:
        try:
            await consumer.start()
        except KafkaConnectionError as error:
            raise await diagnose(connection) from error
        yield consumer
    finally:
        await _stop(consumer)


async def records_since(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, datetime]
) -> AsyncGenerator[ConsumerRecord[bytes, bytes], None]:
    """The records of assigned partitions, from a time on to the end of each partition at the call."""
    async for record in records_from(consumer, await offsets_at(consumer, starts)):
        yield record


async def offsets_at(
    consumer: AIOKafkaConsumer, times: Mapping[TopicPartition, datetime]
) -> dict[TopicPartition, int]:
    """The offset of each partition's first record since a time; the end if there is none."""
    since = {p: int((at - _CLOCK_SKEW).timestamp() * 1000) for p, at in times.items()}
    ends = await consumer.end_offsets(list(times))
    found = await consumer.offsets_for_times(since)
    return {p: ends[p] if at is None else at.offset for p, at in found.items()}


async def records_from(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int]
) -> AsyncGenerator[ConsumerRecord[bytes, bytes], None]:
    """The records of assigned partitions, from an offset on to the end of each partition at the call."""
    ends = await consumer.end_offsets(list(starts))
    for partition, offset in starts.items():
        consumer.seek(partition, offset)
    # A poll of partitions without records waits for its whole timeout.
    left = {p for p in starts if await consumer.position(p) < ends[p]}
    consumer.pause(*(set(starts) - left))
    while left:
        for records in (await consumer.getmany(*left, timeout_ms=POLL_MS)).values():
            for record in records:
                yield record
        left = {p for p in left if await consumer.position(p) < ends[p]}


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer; after ``_STOP_S`` its stop is cancelled, and ends in the background."""
    stopping = asyncio.ensure_future(_close(consumer))
    _stopping.add(stopping)
    stopping.add_done_callback(_stopped)
    if not (await asyncio.wait([stopping], timeout=_STOP_S))[0]:
        log.warning("a consumer did not stop in time")
        stopping.cancel()


async def _close(consumer: Any) -> None:
    try:
        await consumer.stop()
    finally:
        # A stop that fails or is cancelled has not reached the connections and the task that refreshes the metadata.
        await consumer._client.close()


def _stopped(stopping: asyncio.Future[None]) -> None:
    _stopping.discard(stopping)
    if not stopping.cancelled() and (error := stopping.exception()):
        log.warning("a consumer did not stop", error=repr(error))
