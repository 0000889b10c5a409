"""Consumers without a group, and how they start and stop in bounded time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from septet_client.connection import Connection
from septet_client.errors import NotPermitted, Unreachable

MAX_RECORD_BYTES = 2 * 1024 * 1024
CONNECT_S = 15.0
STOP_S = 2.0
_TRIES, _PAUSE_S = 20, 0.1

log = logging.getLogger("septet_client")

# The event loop keeps weak references to tasks.
_stopping: set[asyncio.Future[None]] = set()

Client: TypeAlias = AIOKafkaConsumer | AIOKafkaProducer


async def start(client: Client, connection: Connection) -> None:
    """Connect a client.

    Raises:
        Unreachable: Kafka does not answer, or refuses the credentials.
    """
    try:
        async with asyncio.timeout(CONNECT_S):
            await client.start()
    except (KafkaError, OSError, TimeoutError) as error:
        await stop(client.stop())
        raise Unreachable(
            f"Kafka at {connection.bootstrap} does not answer, or does not accept {connection.protocol} "
            f"of {connection.username or 'an anonymous user'}: {error!r}"
        ) from error
    except BaseException:
        await stop(client.stop())
        raise


async def stop(stopping: Coroutine[Any, Any, None]) -> None:
    """Stop a client. Without a broker that may never end, so it goes on in the background after ``STOP_S``."""
    task = asyncio.ensure_future(stopping)
    _stopping.add(task)
    task.add_done_callback(_stopped)
    if not (await asyncio.wait([task], timeout=STOP_S))[0]:
        log.warning("a Kafka client is still stopping")


def _stopped(task: asyncio.Future[None]) -> None:
    _stopping.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.warning("a Kafka client did not stop: %r", error)


@asynccontextmanager
async def open_consumer(connection: Connection, client_id: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group and without commits.

    Raises:
        Unreachable: Kafka does not answer, or refuses the credentials.
    """
    consumer = AIOKafkaConsumer(
        **connection.options(),
        client_id=client_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_RECORD_BYTES,
        isolation_level="read_committed",
    )
    await start(consumer, connection)
    try:
        yield consumer
    finally:
        await stop(consumer.stop())


async def partitions_of(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """The partitions of topics.

    Raises:
        Unreachable: a topic does not exist.
        NotPermitted: the principal may not read a topic.
    """
    wanted = sorted(set(topics))
    # No public method asks for the metadata of topics that are not assigned.
    client = consumer._client
    await client.set_topics(wanted)
    for _ in range(_TRIES):
        if denied := client.cluster.unauthorized_topics.intersection(wanted):
            raise NotPermitted(f"the broker does not allow this principal to read {min(denied)}")
        if all(consumer.partitions_for_topic(topic) for topic in wanted):
            return known_partitions(consumer, wanted)
        # The metadata may lack a topic that was just created.
        await asyncio.sleep(_PAUSE_S)
        await client.force_metadata_update()
    missing = next(topic for topic in wanted if not consumer.partitions_for_topic(topic))
    raise Unreachable(f"Kafka has no topic {missing}; create it with `septet kafka apply` or `septet up`")


def known_partitions(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """The partitions of topics in the consumer's metadata."""
    return [TopicPartition(t, p) for t in topics for p in sorted(consumer.partitions_for_topic(t) or ())]
