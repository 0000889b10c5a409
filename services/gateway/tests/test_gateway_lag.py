"""The lag of a consumer group on a real broker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from septet_contracts import Topic
from septet_gateway.adapters.lag import GroupLag
from septet_kit.errors import Transient
from septet_kit.messaging.admin import ensure_topics
from septet_kit.messaging.connection import KafkaConnection

LIMIT = timedelta(seconds=10)


@pytest.fixture
async def topics(kafka: str) -> list[str]:
    """Two topics of three partitions."""
    made = [
        Topic(f"septet.lag-{uuid4().hex[:8]}.v1", "", None, "For a test.", partitions=3) for _ in range(2)
    ]
    await ensure_topics(kafka, topics=made)
    return [topic.name for topic in made]


@pytest.fixture
async def lag(kafka: str, topics: list[str]) -> AsyncIterator[GroupLag]:
    """The lag of a new group, when the broker's metadata has the topics."""
    read = GroupLag(KafkaConnection(kafka), f"septet.lag-{uuid4().hex[:8]}", topics, LIMIT)
    for _ in range(50):
        with contextlib.suppress(Transient):
            await read.read()
            break
        await asyncio.sleep(0.1)
    yield read
    await read.close()


async def publish(kafka: str, topic: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for number in range(count):
            await producer.send_and_wait(topic, b"{}", partition=number % 3)


async def commit(kafka: str, group: str, offsets: dict[TopicPartition, int]) -> None:
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=group, enable_auto_commit=False
    ) as consumer:
        consumer.assign([*offsets])
        await consumer.commit(offsets)


@pytest.mark.servers
async def test_the_lag_is_what_the_group_has_not_committed(
    kafka: str, topics: list[str], lag: GroupLag
) -> None:
    assert await lag.read() == 0
    await publish(kafka, topics[0], 6)
    await publish(kafka, topics[1], 3)
    assert await lag.read() == 9
    await commit(kafka, lag._group, {TopicPartition(topics[0], 0): 2, TopicPartition(topics[1], 1): 1})
    assert await lag.read() == 6
    await commit(kafka, lag._group, {TopicPartition(topics[0], p): 2 for p in range(3)})
    # An offset behind the end, as after a topic was created again, is no negative lag.
    await commit(kafka, lag._group, {TopicPartition(topics[1], p): 9 for p in (0, 1)})
    assert await lag.read() == 1


@pytest.mark.servers
async def test_added_partitions_count(kafka: str, topics: list[str], lag: GroupLag) -> None:
    assert await lag.read() == 0
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_partitions({topics[0]: NewPartitions(4)})
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer, asyncio.timeout(30):
        while len(await producer.partitions_for(topics[0])) < 4:
            await producer.client.force_metadata_update()
        await producer.send_and_wait(topics[0], b"{}", partition=3)
    assert await lag.read() == 1


@pytest.mark.servers
async def test_an_unknown_lag_is_an_error(kafka: str, topics: list[str]) -> None:
    for broker, names in (("127.0.0.1:9", topics), (kafka, [*topics, "septet.no-such-topic.v1"])):
        unknown = GroupLag(KafkaConnection(broker), "septet.lag", names, LIMIT)
        for _ in range(2):
            with pytest.raises(Transient) as error:
                await unknown.read()
            assert error.value.code == "broker_unavailable"
