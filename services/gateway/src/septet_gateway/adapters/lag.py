"""Lag of a consumer group, read from the broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from septet_kit.errors import Transient
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.observe import get_logger

log = get_logger()

_CLOSE_S = 2.0


class GroupLag:
    """Records of some topics that a group has not committed.

    It needs the right to describe the group and the topics. Its clients stay open until a read fails.

    Args:
        kafka: connection.
        group: consumer group.
        topics: which it consumes.
        limit: of one read.
    """

    def __init__(self, kafka: KafkaConnection, group: str, topics: Iterable[str], limit: timedelta) -> None:
        self._kafka = kafka
        self._group = group
        self._topics = sorted(topics)
        self._limit_s = limit.total_seconds()
        self._clients: AsyncExitStack | None = None
        self._admin: Any = None
        self._consumer: Any = None

    async def read(self) -> int:
        """The records between the committed offsets and the ends of the partitions.

        Raises:
            Transient: Kafka does not answer in time or refuses, or a topic is missing (code ``broker_unavailable``).
        """
        try:
            async with asyncio.timeout(self._limit_s):
                await self._open()
                return await self._read()
        # aiokafka's clients raise OSError and others while the broker restarts.
        except (KafkaError, TimeoutError, OSError, LookupError, ValueError) as error:
            await self.close()
            raise Transient("broker_unavailable", f"lag of {self._group}: {error!r}") from error

    async def close(self) -> None:
        """Close the connections. The next read opens them again."""
        clients, self._clients = self._clients, None
        if clients is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_S):
                await clients.aclose()
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("connections did not close", error=repr(error))

    async def _read(self) -> int:
        # An operator may add partitions at any time.
        partitions = await self._described()
        committed = await self._admin.list_consumer_group_offsets(self._group, partitions=partitions)
        firsts = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        lag = 0
        for partition in partitions:
            # A partition is missing in the answer if the broker refuses the whole request.
            offset = committed[partition].offset
            # Retention may have deleted records that the group has not read.
            lag += max(0, ends[partition] - max(offset, firsts[partition]))
        return lag

    async def _open(self) -> None:
        if self._clients is not None:
            return
        self._clients = clients = AsyncExitStack()
        options = self._kafka.options()
        self._admin = AIOKafkaAdminClient(**options)
        clients.push_async_callback(self._admin.close)
        await self._admin.start()
        # It has no assignment and fetches no records: only the broker's offsets are asked for.
        self._consumer = AIOKafkaConsumer(**options, group_id=None, enable_auto_commit=False)
        clients.push_async_callback(self._consumer.stop)
        await self._consumer.start()

    async def _described(self) -> list[TopicPartition]:
        """The partitions of all topics.

        Raises:
            LookupError: a topic does not exist, or may not be described.
        """
        found = await self._admin.describe_topics(self._topics)
        partitions = [TopicPartition(t["topic"], p["partition"]) for t in found for p in t["partitions"]]
        if missing := set(self._topics) - {p.topic for p in partitions}:
            raise LookupError(f"no topic {min(missing)}")
        return partitions
