"""Follows topics from their end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from septet_client.adapters.consumers import known_partitions, log, open_consumer, partitions_of, stop
from septet_client.adapters.reader import Reader
from septet_client.connection import Connection
from septet_client.ports import Listener, Record

_POLL_MS = 1000
_PAUSE_S = 1.0


def as_record(raw: Any) -> Record:
    """The record that aiokafka has read. The last of repeated headers counts."""
    headers = {name: value for name, value in raw.headers or () if value is not None}
    return Record(raw.topic, raw.key or b"", raw.value or b"", headers)


class Tail:
    """A consumer of all partitions of topics, from the end, and the task that reads it.

    A lost connection is restored by aiokafka, which keeps the positions: no record is missed.
    """

    def __init__(
        self, connection: Connection, client_id: str, topics: Sequence[str], listener: Listener
    ) -> None:
        self.failure: str | None = None
        self._connection = connection
        self._client_id = client_id
        self._topics = topics
        self._listener = listener
        self._exits = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, look up the positions and start to read.

        Raises:
            Unreachable, NotPermitted: as :meth:`septet_client.ports.Log.follow`.
        """
        async with AsyncExitStack() as exits:
            consumer = await exits.enter_async_context(open_consumer(self._connection, self._client_id))
            consumer.assign(await partitions_of(consumer, self._topics))
            await consumer.seek_to_end()
            positions = {partition: await consumer.position(partition) for partition in consumer.assignment()}
            self._task = asyncio.create_task(self._read(consumer, Reader(consumer, positions)))
            self._exits = exits.pop_all()

    async def close(self) -> None:
        """Stop to read, and disconnect in bounded time."""
        if self._task is not None:
            self._task.cancel()
            await stop(_ended(self._task))
        await self._exits.aclose()

    async def _read(self, consumer: AIOKafkaConsumer, reader: Reader) -> None:
        while True:
            try:
                self._follow_growth(consumer, reader)
                records = await reader.poll(_POLL_MS)
            except KafkaError as error:
                self.failure = repr(error)
                log.warning("reading %s failed: %r", ", ".join(self._topics), error)
                await asyncio.sleep(_PAUSE_S)
                continue
            self.failure = None
            self._hand_over(records)

    def _hand_over(self, records: list[Any]) -> None:
        for record in records:
            try:
                self._listener(as_record(record))
            except Exception:
                # One record must not end the others' waiting.
                log.exception("a record of %s was skipped", record.topic)

    def _follow_growth(self, consumer: AIOKafkaConsumer, reader: Reader) -> None:
        """Read partitions that were added to a topic, from their beginning."""
        known = known_partitions(consumer, self._topics)
        if set(known) <= consumer.assignment():
            return
        consumer.assign(sorted({*known, *consumer.assignment()}))
        for partition in consumer.assignment():
            consumer.seek(partition, reader.positions.setdefault(partition, 0))


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.gather(task, return_exceptions=True)
