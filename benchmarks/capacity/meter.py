"""Cost of a load phase: CPU seconds by process, bytes by topic, bytes of write-ahead log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from septet_cli import wire
from septet_contracts import TOPICS
from septet_native.stack.stack import Stack

Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True)
class Reading:
    """Counters at one moment: CPU seconds by process, partition ends, WAL position, database size in bytes."""

    at: float
    cpu: Mapping[str, float]
    ends: Offsets
    wal: int
    database: int


@dataclass(frozen=True)
class Cost:
    """The difference of two readings, per item.

    Attributes:
        items: number of items (requests, documents, …).
        seconds: wall time of all items.
        cpu_ms: CPU milliseconds by process.
        kafka_bytes: key, value and headers by topic.
        kafka_records: records by topic.
        wal_bytes: write-ahead log of PostgreSQL.
        database_bytes: growth of the database.
    """

    items: int
    seconds: float
    cpu_ms: dict[str, float]
    kafka_bytes: dict[str, float]
    kafka_records: dict[str, float]
    wal_bytes: float
    database_bytes: float


class Meter:
    """Reads the counters of a running stack."""

    def __init__(self, stack: Stack) -> None:
        assert stack.addresses is not None
        self._stack, self._addresses = stack, stack.addresses

    async def read(self) -> Reading:
        """Read the counters."""
        async with wire.open_consumer(self._addresses.connection(), TOPICS) as consumer:
            ends = await consumer.end_offsets(list(consumer.assignment()))
        wal, size = await self._database()
        cpu = {p.name: cpu_seconds(p.pid) for p in self._stack.status() if p.pid is not None}
        return Reading(time.monotonic(), cpu, ends, wal, size)

    async def cost(self, before: Reading, items: int, idle: Mapping[str, float] | None = None) -> Cost:
        """Cost per item since *before*.

        Args:
            before: reading before the phase.
            items: number of items in the phase.
            idle: CPU seconds per second of each idle process, which are subtracted.
        """
        after = await self.read()
        seconds = after.at - before.at
        cpu = {
            name: max(0.0, used - before.cpu.get(name, 0.0) - seconds * (idle or {}).get(name, 0.0))
            for name, used in after.cpu.items()
        }
        counted, weighed = await self._weigh(before.ends, after.ends)
        return Cost(
            items,
            round(seconds, 2),
            {n: round(c * 1000 / items, 3) for n, c in sorted(cpu.items())},
            {t: round(b / items, 1) for t, b in sorted(weighed.items())},
            {t: round(n / items, 3) for t, n in sorted(counted.items())},
            round((after.wal - before.wal) / items, 1),
            round((after.database - before.database) / items, 1),
        )

    async def idle(self, seconds: float) -> dict[str, float]:
        """CPU seconds per second of each process without load."""
        before = await self.read()
        await asyncio.sleep(seconds)
        after = await self.read()
        return {n: (c - before.cpu.get(n, 0.0)) / (after.at - before.at) for n, c in after.cpu.items()}

    def memory(self) -> dict[str, int]:
        """Resident memory in MB by process."""
        return {p.name: round(p.rss_mb) for p in self._stack.status()}

    async def _database(self) -> tuple[int, int]:
        connection = await asyncpg.connect(self._addresses.postgres_dsn)
        try:
            row = await connection.fetchrow(
                "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS wal, pg_database_size(current_database()) AS size"
            )
        finally:
            await connection.close()
        assert row is not None
        return int(row["wal"]), int(row["size"])

    async def _weigh(self, begin: Offsets, end: Offsets) -> tuple[dict[str, int], dict[str, int]]:
        counted: dict[str, int] = {}
        weighed: dict[str, int] = {}
        async with wire.open_consumer(self._addresses.connection(), TOPICS) as consumer:
            for partition, last in end.items():
                first = begin.get(partition, 0)
                if last <= first:
                    continue
                topic = partition.topic
                counted[topic] = counted.get(topic, 0) + last - first
                consumer.assign([partition])
                consumer.seek(partition, first)
                weighed[topic] = weighed.get(topic, 0) + await _bytes(consumer, partition, last)
        return counted, weighed


async def _bytes(consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> int:
    total = 0
    while await consumer.position(partition) < end:
        for record in (await consumer.getmany(partition, timeout_ms=1000)).get(partition, ()):
            if record.offset < end:
                total += len(record.key or b"") + len(record.value or b"")
                total += sum(len(name) + len(value) for name, value in record.headers)
    return total


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children, including reaped ones."""
    process = psutil.Process(pid)
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return float(total)
