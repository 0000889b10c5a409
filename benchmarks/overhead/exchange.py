"""The client of all chains on Kafka: publishes a record and waits for the record with the same key.

All chains use the same client, so that its own cost is equal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from septet_cli.tail import tail
from septet_cli.wire import Record
from septet_kit.messaging.connection import KafkaConnection

from benchmarks.overhead.contender import Failed

LOST_AFTER_S = 30.0


class Exchange:
    """Publishes requests and matches responses to them; :func:`exchanging` makes one."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer, self._topic = producer, topic
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}

    async def request(self, key: bytes, value: bytes) -> bytes:
        """Publish a request and return the value of its response.

        Raises:
            Failed: no response arrived within ``LOST_AFTER_S`` seconds.
        """
        answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            await self._producer.send_and_wait(self._topic, value, key=key)
            return await asyncio.wait_for(answer, LOST_AFTER_S)
        except TimeoutError as error:
            raise Failed(f"no response within {LOST_AFTER_S:.0f} s") from error
        finally:
            del self._waiting[key]

    def receive(self, record: Record) -> None:
        """Match one response record."""
        waiting = self._waiting.get(record.key or b"")
        if waiting is not None and not waiting.done():
            waiting.set_result(record.value or b"")


@asynccontextmanager
async def exchanging(kafka: KafkaConnection, to: str, back: str) -> AsyncIterator[Exchange]:
    """A client that publishes to the topic *to* and reads all partitions of *back*."""
    producer = AIOKafkaProducer(**kafka.options(), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        exchange = Exchange(producer, to)
        async with tail(kafka, [back], exchange.receive):
            yield exchange
    finally:
        await producer.stop()
