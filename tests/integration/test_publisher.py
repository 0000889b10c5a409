"""The publisher on a real broker: a producer that the broker refuses has failed for good."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from septet_contracts import topic
from septet_kit import KitSettings
from septet_kit.messaging.producer import ProducerFailed
from septet_kit.messaging.publisher import Publisher
from septet_kit.record import Record

OUTCOMES = topic("outcomes")


async def test_a_gap_in_the_sequence_ends_every_wait_at_once(settings: KitSettings) -> None:
    """What a broker failure may leave behind (aio-libs/aiokafka#1017): every later send to the partition fails."""
    publisher = Publisher(settings.kafka(), f"test-{uuid4().hex[:8]}")
    await publisher.start()
    try:
        record = Record(OUTCOMES.name, b"k", b"{}")
        await publisher.send(record)
        assert publisher.failure is None
        for partition in range(OUTCOMES.partitions):
            publisher._client._txn_manager.increment_sequence_number(
                TopicPartition(OUTCOMES.name, partition), 5
            )
        async with asyncio.timeout(10):
            with pytest.raises(ProducerFailed, match="OutOfOrderSequenceNumber"):
                await publisher.send(record)
        assert publisher.failure is not None
        with pytest.raises(ProducerFailed):
            await publisher.send(Record(topic("drafts").name, b"k", b"{}"))
    finally:
        await publisher.stop()
