"""Reads dead letters and re-drives them."""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka import AIOKafkaProducer, TopicPartition
from septet_contracts import SERVICES, dead_letter_topic
from septet_kit.messaging.connection import Kafka

from septet_cli.wire import Record, header, open_consumer

PREFIX = "septet-dead-"
REDRIVES = "septet-redrives"
MAX_REDRIVES = 3


@dataclass(frozen=True)
class DeadLetter:
    """A record that a service could not process."""

    service: str
    record: Record

    @property
    def name(self) -> str:
        """``SERVICE/OFFSET``, as the commands take it."""
        return f"{self.service}/{self.record.offset}"

    def fact(self, name: str) -> str:
        """Value of the header ``septet-dead-NAME``, which the service added: topic, code, reason, fix, at, …"""
        return header(self.record, PREFIX + name) or ""

    @property
    def is_record(self) -> bool:
        """Whether the original record is complete, not undecoded bytes or headers without a body."""
        return not self.fact("raw") and not self.fact("omitted")

    @property
    def redrives(self) -> int:
        """Number of earlier re-drives."""
        return int(header(self.record, REDRIVES) or 0)


async def read_dead_letters(kafka: Kafka, service: str | None = None) -> list[DeadLetter]:
    """Read all retained dead letters of one service, or of all services, oldest first.

    Raises:
        Unreachable: Kafka does not answer.
    """
    services = [service] if service else list(SERVICES)
    async with open_consumer(kafka, [dead_letter_topic(s) for s in services]) as consumer:
        partitions = list(consumer.assignment())
        first = await consumer.beginning_offsets(partitions)
        last = await consumer.end_offsets(partitions)
        behind = {p for p in partitions if last[p] > first[p]}
        found: list[DeadLetter] = []
        owner = {TopicPartition(dead_letter_topic(s), 0): s for s in services}
        while behind:
            batches = await consumer.getmany(*behind, timeout_ms=2000)
            for partition, records in batches.items():
                found += [DeadLetter(owner[partition], r) for r in records if r.offset < last[partition]]
            behind = {p for p in behind if await consumer.position(p) < last[p]} if batches else set()
    return sorted(found, key=lambda letter: letter.record.timestamp)


async def redrive(producer: AIOKafkaProducer, letter: DeadLetter) -> None:
    """Send the original key, value and headers to the source topic and increment the re-drive count."""
    kept = [(k, v) for k, v in letter.record.headers if not k.startswith(PREFIX) and k != REDRIVES]
    headers = [*kept, (REDRIVES, str(letter.redrives + 1).encode())]
    await producer.send_and_wait(
        letter.fact("topic"), letter.record.value, key=letter.record.key, headers=headers
    )
