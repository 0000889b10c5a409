"""The log on Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from septet_client.adapters.consumers import MAX_RECORD_BYTES, open_consumer, start, stop
from septet_client.adapters.search import newest_first
from septet_client.adapters.tail import Tail
from septet_client.connection import Compression, Connection
from septet_client.errors import Closed, InvalidInput, NotPermitted, Unreachable
from septet_client.ports import Listener, Position, Record
from septet_client.tracing import headers

ACKNOWLEDGE_S = 30.0


class KafkaLog:
    """An idempotent producer, and a consumer for each call of :meth:`follow`."""

    def __init__(
        self,
        connection: Connection,
        *,
        client_id: str = "septet-client",
        compression: Compression | None = None,
    ) -> None:
        self._connection = connection
        self._client_id = client_id
        self._compression = compression
        self._producer: AIOKafkaProducer | None = None
        self._replacing = asyncio.Lock()
        self._tails: list[Tail] = []
        self._closed = False

    @property
    def failure(self) -> str | None:
        """Why nothing can be read at the moment."""
        return next((tail.failure for tail in self._tails if tail.failure), None)

    async def start(self) -> None:
        """Connect the producer.

        Raises:
            Unreachable: Kafka does not answer, or refuses the credentials.
            InvalidInput: a setting of the connection is wrong.
            Closed: the log was closed meanwhile.
        """
        self._closed = False
        await self._connect()

    async def _connect(self) -> None:
        producer = AIOKafkaProducer(
            **self._connection.options(),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_request_size=MAX_RECORD_BYTES,
            compression_type=self._compression,
        )
        await start(producer, self._connection)
        if self._closed:
            await stop(producer.stop())
            raise Closed("the client was closed while it connected")
        self._producer = producer

    async def publish(self, topic: str, key: bytes, value: bytes) -> Position:
        """Publish a record, and wait for the acknowledgement of all replicas.

        Raises:
            Unreachable, NotPermitted, InvalidInput: as :meth:`septet_client.ports.Log.publish`.
        """
        producer = await self._working_producer()
        try:
            async with asyncio.timeout(ACKNOWLEDGE_S):
                sent = await producer.send(topic, value, key=key, headers=headers())
                sent.add_done_callback(_note_outcome)
                # A cancelled future would be an error in aiokafka's sender.
                metadata = await asyncio.shield(sent)
        except MessageSizeTooLargeError as error:
            raise InvalidInput(f"{topic}: {error}", "oversized") from error
        except TopicAuthorizationFailedError as error:
            raise NotPermitted(f"the broker does not allow this principal to write {topic}") from error
        except (KafkaError, TimeoutError) as error:
            raise Unreachable(f"{topic}: the broker has not acknowledged the record: {error!r}") from error
        time = datetime.fromtimestamp(metadata.timestamp / 1000, UTC)
        return Position(metadata.topic, metadata.partition, metadata.offset, time)

    async def follow(self, topics: Sequence[str], listener: Listener) -> None:
        """Call ``listener`` with each record that is appended to topics.

        Raises:
            Unreachable, NotPermitted: as :meth:`septet_client.ports.Log.follow`.
            Closed: the log was closed meanwhile.
        """
        tail = Tail(self._connection, self._client_id, topics, listener)
        await tail.start()
        if self._closed:
            await tail.close()
            raise Closed("the client was closed while it connected")
        self._tails.append(tail)

    async def search(
        self, topic: str, key: bytes | None, since: datetime | None
    ) -> AsyncGenerator[Record, None]:
        """The records since a time, the newest ones of each partition first. Each search has its own consumer.

        Raises:
            Unreachable, NotPermitted: as :meth:`septet_client.ports.Log.search`.
        """
        try:
            async with (
                open_consumer(self._connection, self._client_id) as consumer,
                aclosing(newest_first(consumer, topic, key, since)) as records,
            ):
                async for record in records:
                    yield record
        except KafkaError as error:
            raise Unreachable(f"{topic} cannot be read: {error!r}") from error

    async def close(self) -> None:
        """Flush what is buffered, and disconnect. Each step is bounded."""
        # What connects at this time stops itself.
        self._closed = True
        producer, self._producer = self._producer, None
        tails, self._tails = self._tails, []
        await asyncio.gather(
            *(tail.close() for tail in tails), *([stop(producer.stop())] if producer else [])
        )

    async def _working_producer(self) -> AIOKafkaProducer:
        """The producer, or a new one if its sender has ended: aiokafka does not restart it."""
        async with self._replacing:
            if self._producer is None:
                raise Closed("the client is not open")
            if self._producer._sender.sender_task.done():
                await stop(self._producer.stop())
                await self._connect()
            return self._producer


def _note_outcome(sent: asyncio.Future[Any]) -> None:
    """Read the outcome of a record for which nothing waits: asyncio reports errors that are never read."""
    if not sent.cancelled():
        sent.exception()
