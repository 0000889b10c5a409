"""Reading what arrives on topics from now on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from septet_kit.messaging.connection import Kafka

from septet_cli.wire import Record, open_consumer

Listener = Callable[[Record], None]


@asynccontextmanager
async def tail(kafka: Kafka, topics: Iterable[str], listener: Listener) -> AsyncIterator[asyncio.Task[None]]:
    """Call *listener* with every record that is written to *topics* after this is entered.

    Yields the reading task, so that who waits for a record can also wait for its failure.
    """
    async with open_consumer(kafka, topics) as consumer:
        # Positions are fixed before the caller publishes: nothing written after can be missed.
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
