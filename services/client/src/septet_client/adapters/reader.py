"""Reads assigned partitions, and steps over what aiokafka cannot decode."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError

from septet_client.adapters.consumers import log

# What aiokafka raises for a record batch that it cannot decode, each time that it reads it.
_UNDECODABLE = (CorruptRecordException, UnsupportedCodecError, UnicodeDecodeError, ValueError, IndexError)
_PROBE_S = 0.5
_PROBES = 500


class Reader:
    """Polls a consumer. No record is lost beside one that cannot be decoded.

    When aiokafka raises, it drops what the same call has read of other partitions. So the reader keeps the positions
    itself, and reads from there one by one.

    Attributes:
        positions: the next offset of each partition.
    """

    def __init__(self, consumer: AIOKafkaConsumer, positions: dict[TopicPartition, int]) -> None:
        self.positions = positions
        self._consumer = consumer

    async def poll(self, timeout_ms: int) -> list[Any]:
        """The next records of all partitions; none if there is none within this time.

        Raises:
            KafkaError: the broker refuses to send records.
        """
        try:
            batches = await self._consumer.getmany(timeout_ms=timeout_ms)
        except _UNDECODABLE:
            return await self._one_by_one()
        for partition, records in batches.items():
            self.positions[partition] = records[-1].offset + 1
        return [record for records in batches.values() for record in records]

    async def _one_by_one(self) -> list[Any]:
        read: list[Any] = []
        for partition in sorted(self._consumer.assignment()):
            self._consumer.seek(partition, self.positions[partition])
            try:
                for _ in range(_PROBES):
                    async with asyncio.timeout(_PROBE_S):
                        record = await self._consumer.getone(partition)
                    read.append(record)
                    self.positions[partition] = record.offset + 1
            except TimeoutError:
                pass  # no further record
            except _UNDECODABLE as error:
                position = max(self.positions[partition], await self._consumer.position(partition))
                log.warning("%s %d: offset %d is skipped: %r", *partition, position, error)
                self.positions[partition] = position + 1
                self._consumer.seek(partition, position + 1)
        return read
