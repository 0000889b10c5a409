"""Effect of batch size and linger on the producer of the kit: ``python -m benchmarks.producer.measure``.

Each round measures every setting once, in random order, on one broker. Ratios compare a setting with linger 0 (and
256 KiB) in the same round, because the load of a shared machine changes between rounds. Writes
``results/producer.json``.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.protocol.produce import ProduceRequest
from septet_kit.messaging.admin import ensure_topics
from septet_kit.messaging.producer import kafka_producer
from septet_native.processes.ports import free_port
from septet_native.processes.process import Process
from septet_native.servers.kafka import Kafka
from septet_native.servers.server import Places
from septet_native.stack.settings import StackSettings

RESULT = Path(__file__).parent / "results" / "producer.json"
ROUNDS = 7
TOPIC = "septet.outcomes.v1"
LARGE, SMALL = b"x" * 11_500, b"x" * 2_000
Setting = tuple[int, int]
"""``linger_ms`` and ``max_batch_size``."""
BASE: Setting = (0, 256 * 1024)
SETTINGS: tuple[Setting, ...] = (BASE, (1, 256 * 1024), (2, 256 * 1024), (5, 256 * 1024), (0, 16 * 1024))
Figures = dict[str, float]


@asynccontextmanager
async def broker() -> AsyncIterator[str]:
    """A temporary broker; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        places = Places(data=Path(folder), cache=StackSettings().places().cache)
        made = Kafka(places, free_port(), free_port())
        await made.prepare(lambda _: None)
        process = await Process.spawn(made.command(), places.run)
        try:
            async with asyncio.timeout(120):
                while not await made.probe():  # noqa: ASYNC110 - readiness is polled
                    await asyncio.sleep(0.1)
            await ensure_topics(made.connection("admin"))
            yield made.connection("admin").bootstrap
        finally:
            await process.stop()


async def burst(producer: AIOKafkaProducer) -> Figures:
    """Send 64 events of 11.5 KB to one partition at once, as a large document does."""
    requests, send = 0, producer.client.send

    async def counted(node: object, request: object, **options: object) -> object:
        nonlocal requests
        requests += isinstance(request, ProduceRequest)
        return await send(node, request, **options)

    producer.client.send = counted
    started = time.perf_counter()
    await asyncio.gather(*(producer.send_and_wait(TOPIC, LARGE, partition=0) for _ in range(64)))
    taken = time.perf_counter() - started
    producer.client.send = send
    return {"burst_ms": taken * 1000, "burst_requests": requests}


async def steady(producer: AIOKafkaProducer, seconds: float = 3.0, rate: float = 100.0) -> Figures:
    """Send single events at a constant rate, as on a service with little load."""
    taken: list[float] = []

    async def one(n: int) -> None:
        started = time.perf_counter()
        await producer.send_and_wait(TOPIC, SMALL, partition=n % 4)
        taken.append((time.perf_counter() - started) * 1000)

    sends = []
    for n in range(int(seconds * rate)):
        sends.append(asyncio.ensure_future(one(n)))
        await asyncio.sleep(1 / rate)
    await asyncio.gather(*sends)
    taken.sort()
    return {"steady_p50_ms": statistics.median(taken), "steady_p99_ms": taken[int(len(taken) * 0.99)]}


async def closed_loop(producer: AIOKafkaProducer, seconds: float = 3.0, senders: int = 64) -> Figures:
    """64 senders that wait for each acknowledgement, as many as concurrent steps of a service."""
    until, done = time.perf_counter() + seconds, 0

    async def one(n: int) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await producer.send_and_wait(TOPIC, SMALL, partition=n % 4)
            done += 1

    await asyncio.gather(*(one(n) for n in range(senders)))
    return {"closed_loop_per_s": done / seconds}


async def measure(bootstrap: str, setting: Setting) -> Figures:
    """Measure all figures of one setting."""
    linger, batch = setting
    producer = kafka_producer(bootstrap, "benchmark", linger_ms=linger, max_batch_size=batch)
    await producer.start()
    try:
        for n in range(40):
            await producer.send_and_wait(TOPIC, SMALL, partition=n % 4)
        return {**await burst(producer), **await steady(producer), **await closed_loop(producer)}
    finally:
        await producer.stop()


def summary(rounds: list[dict[Setting, Figures]]) -> list[dict[str, object]]:
    """Medians over the rounds, and medians of the ratios to linger 0 in the same round."""
    rows: list[dict[str, object]] = []
    for setting in SETTINGS:
        row: dict[str, object] = {"linger_ms": setting[0], "max_batch_size": setting[1]}
        for name in rounds[0][setting]:
            row[name] = round(statistics.median(r[setting][name] for r in rounds), 2)
            row[f"{name}_ratio"] = round(
                statistics.median(r[setting][name] / r[BASE][name] for r in rounds), 3
            )
        rows.append(row)
    return rows


async def main() -> None:
    order, rounds = random.Random(7), []
    async with broker() as bootstrap:
        await measure(bootstrap, BASE)
        for _ in range(ROUNDS):
            settings = order.sample(SETTINGS, len(SETTINGS))
            rounds.append({setting: await measure(bootstrap, setting) for setting in settings})
    result = {
        "command": "python -m benchmarks.producer.measure",
        "rounds": ROUNDS,
        "settings": summary(rounds),
        "load_average": round(os.getloadavg()[0], 1),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
