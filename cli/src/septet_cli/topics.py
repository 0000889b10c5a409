"""Reads the number of records on each topic and the lag of each consumer group."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError
from septet_contracts import TOPICS, Topic, split
from septet_kit.messaging.connection import Kafka, KafkaConnection

from septet_cli.wire import open_consumer, unreachable

PREFIX = "septet"


@dataclass(frozen=True)
class TopicState:
    """One topic: ``depth`` is its number of retained records, ``lag`` the unread records by consumer group."""

    name: str
    about: str
    partitions: int
    depth: int
    lag: dict[str, int] = field(default_factory=dict)


async def topic_states(kafka: Kafka) -> list[TopicState]:
    """State of each existing shared topic, then of each tenant's own topics.

    Raises:
        Unreachable: Kafka does not answer.
    """
    async with _admin(kafka) as admin:
        known = _known(await admin.list_topics())
        committed = await _committed(admin)
    if not known:
        return []
    async with open_consumer(kafka, known) as consumer:
        partitions = list(consumer.assignment())
        first = await consumer.beginning_offsets(partitions)
        last = await consumer.end_offsets(partitions)
    states = []
    for name, base in known.items():
        own = [p for p in partitions if p.topic == name]
        lag = {
            group: sum(last[p] - max(offsets.get(p, first[p]), first[p]) for p in own)
            for group, offsets in committed.items()
            if any(p in offsets for p in own)
        }
        depth = sum(last[p] - first[p] for p in own)
        states.append(TopicState(name, base.about, len(own), depth, lag))
    return states


async def existing_topics(kafka: Kafka) -> set[str]:
    """Names of the topics on the broker.

    Raises:
        Unreachable: Kafka does not answer.
    """
    async with _admin(kafka) as admin:
        return set(await admin.list_topics())


def _known(names: Iterable[str]) -> dict[str, Topic]:
    """Septet's topics among *names*, each with its entry in the topic table; a tenant's topic has the shared one's."""
    found: dict[str, Topic] = {}
    for name in sorted(names):
        with suppress(KeyError):
            found[name] = split(name)[0]
    order = list(TOPICS)
    return dict(sorted(found.items(), key=lambda item: (item[0] not in TOPICS, order.index(item[1].name))))


async def _committed(admin: AIOKafkaAdminClient) -> dict[str, dict[TopicPartition, int]]:
    found: dict[str, dict[TopicPartition, int]] = {}
    for group, *_ in await admin.list_consumer_groups():
        if group.startswith(PREFIX):
            offsets = await admin.list_consumer_group_offsets(group)
            found[group] = {p: o.offset for p, o in offsets.items() if o.offset >= 0}
    return found


@asynccontextmanager
async def _admin(kafka: Kafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**KafkaConnection.of(kafka).options())
    try:
        await admin.start()
    except (KafkaConnectionError, OSError, struct.error) as error:
        await admin.close()
        raise await unreachable(kafka) from error
    try:
        yield admin
    finally:
        await admin.close()
