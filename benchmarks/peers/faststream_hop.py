"""A hop of the FastStream chain: ``python -m benchmarks.peers.faststream_hop --from TOPIC --to TOPIC --bytes N``.

A subscriber and a publisher with default settings, as in the FastStream documentation. It prints ``ready`` once it has
its partitions, and runs until SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import uvloop
from faststream import FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from septet_kit.settings import KitSettings

from benchmarks.overhead.contender import relayed


def chain(source: str, target: str, size: int, group: str) -> FastStream:
    """An application with one subscriber, which forwards records with their key."""
    # The log of every message would be most of its work.
    broker = KafkaBroker(KitSettings().kafka_bootstrap, logger=None)
    publisher = broker.publisher(target)
    subscriber = broker.subscriber(source, group_id=group)

    @subscriber
    async def hop(body: bytes, message: KafkaMessage) -> None:
        record: Any = message.raw_message
        await publisher.publish(relayed(body, size - len(record.key)), key=record.key)

    app = FastStream(broker)

    @app.after_startup
    async def say_ready() -> None:
        while not (subscriber.consumer and subscriber.consumer.assignment()):  # noqa: ASYNC110 - no event to await
            await asyncio.sleep(0.05)
        # The position is fetched after the assignment; earlier records would be missed.
        for partition in subscriber.consumer.assignment():
            await subscriber.consumer.position(partition)
        print("ready", flush=True)

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--to", dest="target", required=True)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--group", required=True)
    given = parser.parse_args()
    uvloop.run(chain(given.source, given.target, given.bytes, given.group).run())
