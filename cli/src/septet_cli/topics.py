"""How much is on each topic, and how far behind each service is."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError
from septet_contracts import TOPICS

from septet_cli.wire import open_consumer, unreachable

PREFIX = "septet"


@dataclass(frozen=True)
class TopicState:
    """One topic: ``depth`` is the number of retained records, ``lag`` what each group has yet to do."""

    name: str
    about: str
    partitions: int
    depth: int
    lag: dict[str, int] = field(default_factory=dict)


async def topic_states(bootstrap: str) -> list[TopicState]:
    """State of each topic of the table that exists.

    Raises:
        Unreachable: Kafka does not answer.
    """
    async with _admin(bootstrap) as admin:
        names = [name for name in TOPICS if name in set(await admin.list_topics())]
        committed = await _committed(admin)
    if not names:
        return []
    async with open_consumer(bootstrap, names) as consumer:
        partitions = list(consumer.assignment())
        first = await consumer.beginning_offsets(partitions)
        last = await consumer.end_offsets(partitions)
    states = []
    for name in names:
        own = [p for p in partitions if p.topic == name]
        lag = {
            group: sum(last[p] - max(offsets.get(p, first[p]), first[p]) for p in own)
            for group, offsets in committed.items()
            if any(p in offsets for p in own)
        }
        depth = sum(last[p] - first[p] for p in own)
        states.append(TopicState(name, TOPICS[name].about, len(own), depth, lag))
    return states


async def _committed(admin: AIOKafkaAdminClient) -> dict[str, dict[TopicPartition, int]]:
    found: dict[str, dict[TopicPartition, int]] = {}
    for group, *_ in await admin.list_consumer_groups():
        if group.startswith(PREFIX):
            offsets = await admin.list_consumer_group_offsets(group)
            found[group] = {p: o.offset for p, o in offsets.items() if o.offset >= 0}
    return found


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
    except (KafkaConnectionError, OSError, struct.error) as error:
        await admin.close()
        raise unreachable(bootstrap, error) from error
    try:
        yield admin
    finally:
        await admin.close()
