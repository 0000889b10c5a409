"""A process of the raw chain, which only forwards records.

``python -m benchmarks.overhead.relay --name NAME --routes '[[FROM, TO, BYTES], …]'`` connects with the ``SEPTET_KAFKA_*``
settings, prints ``ready`` once it has its partitions, and runs until SIGTERM. It is the fastest chain with the guarantees
of Septet's transport: producers with acks=all and idempotence, concurrent sends, and offsets committed as often as in
Septet, only up to the lowest unacknowledged record.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections import deque

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from septet_kit.settings import KitSettings

from benchmarks.overhead.contender import relayed

Sent = deque[tuple[int, "asyncio.Future[object]"]]


async def relay(name: str, routes: dict[str, tuple[str, int]], settings: KitSettings) -> None:
    """Forward records until cancelled; *routes* has the target topic and record size of each source topic."""
    options = settings.kafka().options()
    session_ms = int(settings.session_timeout.total_seconds() * 1000)
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        *routes,
        **options,
        group_id=f"bench.{name}",
        group_instance_id=name,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms * 3 // 10,
    )
    await producer.start()
    await consumer.start()
    sent: dict[TopicPartition, Sent] = {}
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_commit(consumer, sent, settings.commit_interval.total_seconds()))
            group.create_task(_say_ready(consumer))
            async for record in consumer:
                target, size = routes[record.topic]
                value = relayed(record.value, size - len(record.key))
                ack = await producer.send(target, value, key=record.key)
                place = TopicPartition(record.topic, record.partition)
                sent.setdefault(place, deque()).append((record.offset, ack))
    finally:
        await consumer.stop()
        await producer.stop()


async def _say_ready(consumer: AIOKafkaConsumer) -> None:
    while not consumer.assignment():  # noqa: ASYNC110 - no event for the assignment
        await asyncio.sleep(0.05)
    print("ready", flush=True)


async def _commit(consumer: AIOKafkaConsumer, sent: dict[TopicPartition, Sent], interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        offsets: dict[TopicPartition, int] = {}
        for place, waiting in sent.items():
            while waiting and waiting[0][1].done():
                offset, ack = waiting.popleft()
                ack.result()
                offsets[place] = offset + 1
        if offsets:
            await consumer.commit(offsets)


async def _main(name: str, routes: dict[str, tuple[str, int]]) -> None:
    task = asyncio.ensure_future(relay(name, routes, KitSettings()))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--routes", required=True, type=json.loads)
    given = parser.parse_args()
    uvloop.run(_main(given.name, {source: (target, size) for source, target, size in given.routes}))
