"""The process's idempotent producer, and whether it can still deliver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)

from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.observe.logs import get_logger
from septet_kit.record import Record

log = get_logger()

_MAX_REQUEST = 2 * 1024 * 1024
# Records that wait for the same partition share a produce request up to this size. With aiokafka's 16 KiB, 64 events
# of 11.5 KB need 64 requests, one after the other.
_MAX_BATCH = 256 * 1024
# A wait for more records adds latency and no throughput; the figures are in benchmarks/producer.
_LINGER_MS = 0

# The broker refuses everything that this producer sends to the partition from now on, because aiokafka never asks for
# a new producer id (aio-libs/aiokafka#1017).
_FATAL = (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)


class ProducerFailed(RuntimeError):
    """The producer cannot send any more. Only a new process gets a new producer."""


def kafka_producer(kafka: Kafka, client_id: str, **options: object) -> AIOKafkaProducer:
    """An idempotent producer whose acknowledgements come from all replicas; ``options`` replace ours."""
    ours = {
        "acks": "all",
        "enable_idempotence": True,
        "max_request_size": _MAX_REQUEST,
        "max_batch_size": _MAX_BATCH,
        "linger_ms": _LINGER_MS,
        "request_timeout_ms": 15_000,
    }
    return AIOKafkaProducer(**KafkaConnection.of(kafka).options(), client_id=client_id, **(ours | options))


class Producer:
    """Enqueues records, and ends every wait as soon as the producer has failed for good.

    aiokafka retries a record of an idempotent producer without a limit. A caller may stop to wait; the record is
    still sent.
    """

    def __init__(self, client: AIOKafkaProducer) -> None:
        self._client = client
        self._failure: str | None = None
        self._stopping = False
        self._waits: set[asyncio.Timeout] = set()
        # Start times of what is not acknowledged, oldest first.
        self._open: dict[int, float] = {}
        self._tokens = count()

    @property
    def failure(self) -> str | None:
        """Why the producer cannot send any more; ``None`` while it can."""
        return self._failure

    @property
    def blocked_s(self) -> float:
        """Seconds since the start of the oldest send that is not acknowledged; 0.0 if there is none."""
        oldest = next(iter(self._open.values()), None)
        return 0.0 if oldest is None else max(0.0, asyncio.get_running_loop().time() - oldest)

    async def start(self) -> None:
        """Connect, and watch the task that sends."""
        await self._client.start()
        # No public attribute tells that the task has ended; a send would only find out by waiting.
        self._client._sender.sender_task.add_done_callback(self._sender_ended)

    async def stop(self) -> None:
        """Send what is buffered, then close. Records are refused from here on."""
        self._stopping = True
        await self._client.stop()
        self._fail("the producer is closed")

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the block as one send: its retries are a single wait."""
        token = self._opened()
        try:
            yield
        finally:
            del self._open[token]

    async def enqueue(self, record: Record, headers: list[tuple[str, bytes]]) -> asyncio.Future[object]:
        """Hand a record to the producer, and wait for buffer space; returns the future of its acknowledgement.

        Raises:
            ProducerFailed: the producer cannot send any more.
            KafkaError: the record was not enqueued.
        """
        token = self._opened()
        try:
            async with self._wait(None):
                sent: asyncio.Future[object] = await self._client.send(
                    record.topic, value=record.value, key=record.key, headers=headers
                )
        except BaseException:
            del self._open[token]
            raise

        def done(future: asyncio.Future[object]) -> None:
            del self._open[token]
            if not future.cancelled():
                self._inspect(future.exception())

        sent.add_done_callback(done)
        return sent

    async def acknowledged(self, sent: asyncio.Future[object], within: float) -> None:
        """Wait until the broker has acknowledged a record.

        Raises:
            ProducerFailed: the producer cannot send any more.
            KafkaError: the broker has refused the record.
            TimeoutError: it has not answered ``within`` seconds; the producer goes on.
        """
        async with self._wait(within):
            await asyncio.shield(sent)

    @asynccontextmanager
    async def _wait(self, within: float | None) -> AsyncIterator[None]:
        if self._failure is not None:
            raise ProducerFailed(self._failure)
        try:
            async with asyncio.timeout(within) as scope:
                self._waits.add(scope)
                try:
                    yield
                finally:
                    self._waits.discard(scope)
        except (KafkaError, TimeoutError) as error:
            self._inspect(error)
            if self._failure is not None:
                raise ProducerFailed(self._failure) from error
            raise

    def _opened(self) -> int:
        token = next(self._tokens)
        self._open[token] = asyncio.get_running_loop().time()
        return token

    def _inspect(self, error: BaseException | None) -> None:
        if isinstance(error, _FATAL):
            self._fail(f"the broker refuses this producer: {error!r}")

    def _sender_ended(self, task: asyncio.Task[None]) -> None:
        if self._stopping:
            return
        error = None if task.cancelled() else task.exception()
        cause = (
            f", because of {error.__cause__!r}" if error is not None and error.__cause__ is not None else ""
        )
        self._fail(f"the producer's sender task ended: {error!r}{cause}")

    def _fail(self, reason: str) -> None:
        if self._failure is not None:
            return
        self._failure = reason
        if not self._stopping:
            log.error("producer failed", reason=reason)
        now = asyncio.get_running_loop().time()
        for scope in self._waits:
            if not scope.expired():
                scope.reschedule(now)
