"""Following topics: partitions that are added, and failures of the consumer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import ConsumerRecord
from septet_client.adapters import reader, tail
from septet_client.adapters.reader import Reader
from septet_client.adapters.tail import Tail
from septet_client.connection import Connection
from septet_client.ports import Record

FIRST, SECOND = TopicPartition("t", 0), TopicPartition("t", 1)


def record(partition: TopicPartition, offset: int, value: bytes) -> ConsumerRecord:
    return ConsumerRecord(
        *partition, offset, 0, 0, b"k", value, None, 1, len(value), (("h", None), ("i", b"v"))
    )


class FakeConsumer:
    """A consumer with values by partition; an exception among them is raised while it is at the position."""

    def __init__(self, partitions: int = 1) -> None:
        self.partitions = partitions
        self.log: defaultdict[TopicPartition, list[bytes | Exception]] = defaultdict(list)
        self.positions: dict[TopicPartition, int] = {FIRST: 0}
        self.assigned = [FIRST]
        self.failures: list[Exception] = []

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self.partitions))

    def assignment(self) -> set[TopicPartition]:
        return set(self.assigned)

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = partitions
        self.positions = dict.fromkeys(partitions, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    async def getmany(self, *of: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        """As in aiokafka, an exception drops what the same call has read of other partitions."""
        await asyncio.sleep(0.001)
        if self.failures:
            raise self.failures.pop()
        found: dict[TopicPartition, list[Any]] = {}
        for partition in of or self.assigned:
            start, values = self.positions[partition], self.log[partition]
            for offset, value in enumerate(values[start:], start):
                if isinstance(value, Exception):
                    raise value
                found.setdefault(partition, []).append(record(partition, offset, value))
            self.positions[partition] = len(values)
        return found

    async def getone(self, partition: TopicPartition) -> ConsumerRecord:
        offset, values = self.positions[partition], self.log[partition]
        if offset == len(values):
            await asyncio.sleep(3600)
        value = values[offset]
        if isinstance(value, Exception):
            raise value
        self.positions[partition] += 1
        return record(partition, offset, value)


async def read(consumer: FakeConsumer, until: bytes, change: Any = None) -> tuple[list[bytes], Tail]:
    """The values that a tail hands over, up to a value."""
    got: asyncio.Queue[Record] = asyncio.Queue()
    values: list[bytes] = []
    made = Tail(Connection(), "test", ["t"], got.put_nowait)
    task = asyncio.create_task(made._read(consumer, Reader(consumer, dict(consumer.positions))))
    try:
        async with asyncio.timeout(5):
            while until not in values:
                values.append((await got.get()).value)
                if change is not None:
                    change()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return values, made


async def test_added_partitions_are_read_from_their_beginning() -> None:
    consumer = FakeConsumer()
    consumer.log[FIRST] = [b"a", b"b"]

    def grow() -> None:
        consumer.partitions = 2
        consumer.log[SECOND] = [b"c"]

    values, _ = await read(consumer, b"c", grow)
    assert values == [b"a", b"b", b"c"]


async def test_only_what_cannot_be_decoded_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_PROBE_S", 0.01)
    consumer = FakeConsumer(2)
    broken = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")
    consumer.log[FIRST] = [b"a", b"b", broken, broken, b"z"]
    consumer.log[SECOND] = [b"c", broken]
    values, _ = await read(consumer, b"z")
    assert sorted(values) == [b"a", b"b", b"c", b"z"]


async def test_an_error_of_kafka_is_remembered_until_reading_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "_PAUSE_S", 0.01)
    consumer = FakeConsumer()
    consumer.failures = [KafkaConnectionError("gone")]
    made = Tail(Connection(), "test", ["t"], lambda _: None)
    task = asyncio.create_task(made._read(consumer, Reader(consumer, dict(consumer.positions))))
    try:
        async with asyncio.timeout(5):
            while made.failure is None:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            assert "gone" in made.failure
            while made.failure is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_listener_that_fails_does_not_end_the_reading() -> None:
    consumer = FakeConsumer()
    consumer.log[FIRST] = [b"bad", b"good"]
    got: list[Record] = []

    def listen(read: Record) -> None:
        if read.value == b"bad":
            raise ValueError("bad")
        got.append(read)

    made = Tail(Connection(), "test", ["t"], listen)
    task = asyncio.create_task(made._read(consumer, Reader(consumer, dict(consumer.positions))))
    try:
        async with asyncio.timeout(5):
            while not got:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert got == [Record("t", b"k", b"good", {"i": b"v"})]
