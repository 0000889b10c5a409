"""A simulated Kafka: one log of real record batches, and clients that stand in for aiokafka's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata
from septet_kit.messaging.batches import RawBatches, TolerantRecords

from ..support.kafka import Stored


@dataclass
class FakeLog:
    """Batches by partition, and the committed offsets of one group; it outlives the processes of a test."""

    batches: dict[TopicPartition, list[tuple[int, int, bytes]]] = field(default_factory=dict)
    commits: dict[TopicPartition, tuple[int, str]] = field(default_factory=dict)

    def append(self, tp: TopicPartition, data: bytes, count: int) -> int:
        """Store a batch of ``count`` records; returns its first offset, which the batch must have."""
        base = self.end(tp)
        self.batches.setdefault(tp, []).append((base, base + count, data))
        return base

    def end(self, tp: TopicPartition) -> int:
        """The offset after a partition's last record."""
        return self.batches[tp][-1][1] if self.batches.get(tp) else 0

    def read(self, tp: TopicPartition, position: int) -> bytes:
        """What a fetch from ``position`` returns: whole batches."""
        return b"".join(data for _, after, data in self.batches.get(tp, []) if after > position)


class FakeConsumer:
    """aiokafka's consumer on a :class:`FakeLog`, with the kit's own parsers of batches."""

    def __init__(self, log: FakeLog, assigned: Iterable[TopicPartition]) -> None:
        self._log = log
        self._assigned = set(assigned)
        self._paused: set[TopicPartition] = set()
        self._position = {tp: log.commits.get(tp, (0, ""))[0] for tp in self._assigned}
        self._coordinator = self
        self.lag_hangs = False

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self._listener = listener

    async def start(self) -> None:
        await self._listener.on_partitions_assigned(list(self._assigned))

    async def stop(self) -> None:
        self._assigned.clear()

    def assignment(self) -> set[TopicPartition]:
        return set(self._assigned)

    async def getmany(
        self, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        await asyncio.sleep(0)
        found: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = {}
        for tp in sorted(self._assigned - self._paused):
            data = self._log.read(tp, self._position[tp])
            records = TolerantRecords(tp, RawBatches(data), [], self._position[tp], None, None, True, 1)
            taken = [record for _, record in zip(range(max_records), records, strict=False)]
            self._position[tp] = records.next_fetch_offset
            if taken:
                found[tp] = taken
        if not found:
            await asyncio.sleep(0.001)
        return found

    async def commit(self, offsets: Mapping[TopicPartition, Any]) -> None:
        await asyncio.sleep(0)
        for tp, offset in offsets.items():
            self._log.commits[tp] = offset if isinstance(offset, tuple) else (offset, "")

    async def fetch_committed_offsets(
        self, tps: Iterable[TopicPartition]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        return {tp: OffsetAndMetadata(*self._log.commits.get(tp, (-1, ""))) for tp in tps}

    def highwater(self, tp: TopicPartition) -> int:
        return self._log.end(tp)

    def pause(self, *tps: TopicPartition) -> None:
        self._paused.update(tps)

    def resume(self, *tps: TopicPartition) -> None:
        self._paused.difference_update(tps)

    async def end_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        if self.lag_hangs:
            await asyncio.Event().wait()
        return {tp: self._log.end(tp) for tp in tps}

    async def position(self, tp: TopicPartition) -> int:
        return self._position[tp]


def facts(record: Stored) -> SimpleNamespace:
    """The ``septet-dead-*`` headers of a dead letter, by name."""
    found = {
        k.removeprefix("septet-dead-"): v.decode() for k, v in record.headers if k.startswith("septet-dead-")
    }
    return SimpleNamespace(**found)
