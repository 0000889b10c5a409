"""Produce requests whose records are any bytes; a client library would refuse to make them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import NotLeaderForPartitionError, for_code
from aiokafka.protocol.produce import ProduceRequest
from septet_kit.messaging.connection import KafkaConnection

_TIMEOUT_MS = 15_000


@dataclass(frozen=True)
class Written:
    """What a broker did with a batch: its first offset, or the error that it named."""

    offset: int
    error: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the batch is on the log."""
        return not self.error


class RawProducer:
    """Sends batches over one connection to the only broker."""

    def __init__(self, connection: AIOKafkaConnection) -> None:
        self._connection = connection

    async def send(self, topic: str, partition: int, batch: bytes) -> Written:
        """Write a batch to a partition; an error that the broker answers is returned, not raised.

        A partition of a topic that was created a moment ago may have no leader yet; it is asked again until it has.
        """
        async with asyncio.timeout(_TIMEOUT_MS / 1000):
            while True:
                written = await self._send(topic, partition, batch)
                if written.error != NotLeaderForPartitionError.__name__:
                    return written
                await asyncio.sleep(0.1)

    async def _send(self, topic: str, partition: int, batch: bytes) -> Written:
        answer = await self._connection.send(
            ProduceRequest(None, -1, _TIMEOUT_MS, [(topic, [(partition, batch)])])
        )
        ((_, ((_, code, offset, *_),)),) = answer.topics
        return Written(offset, "" if code == 0 else for_code(code).__name__)


@asynccontextmanager
async def raw_producer(kafka: KafkaConnection) -> AsyncIterator[RawProducer]:
    """A connection to the first broker of an address."""
    options = kafka.options()
    host, port, _ = collect_hosts(options.pop("bootstrap_servers"))[0]
    connection = await create_conn(host, port, **options)
    try:
        yield RawProducer(connection)
    finally:
        connection.close()
