"""Reads new records of topics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from septet_kit.messaging.connection import Kafka

from septet_cli.wire import Record, open_consumer

Listener = Callable[[Record], None]


@asynccontextmanager
async def tail(kafka: Kafka, topics: Iterable[str], listener: Listener) -> AsyncIterator[asyncio.Task[None]]:
    """Call *listener* with every record that is appended to *topics* after entry.

    Yields the reading task: the caller can wait for its failure while it waits for a record.
    """
    async with open_consumer(kafka, topics) as consumer:
        # Fetch the positions before the caller publishes, so that no later record is missed.
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)

        async def pump() -> None:
            async for record in consumer:
                listener(record)

        task = asyncio.create_task(pump())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
