"""Latency of ``read_committed``, and the delay that a client's open transaction causes to other clients.

``python -m benchmarks.isolation.measure [--json FILE]`` starts the embedded broker. Two consumers, one per isolation
level, read the same records of one partition at the same time, so that only the level changes their latency.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka import Producer
from septet_contracts import topic
from septet_kit.messaging.admin import ensure_topics
from septet_kit.messaging.connection import KafkaConnection
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack

LEVELS = ("read_uncommitted", "read_committed")
PLACE = TopicPartition(topic("requests").name, 0)
ROUNDS, ROUND_S, RATE = 3, 10.0, 100
TIMEOUTS_MS = (5_000, 10_000, 15_000)
REPEATED_S = 60.0
_BODY = b"x" * 1024
_MARK = b"at:"


async def main() -> dict[str, Any]:
    """Run all measurements in sequence."""
    async with AsyncExitStack() as exits:
        folder = exits.enter_context(tempfile.TemporaryDirectory())
        kafka = await exits.enter_async_context(_broker(Path(folder)))
        found: dict[str, Any] = {"rate": RATE, "rounds": ROUNDS, "round_s": ROUND_S}
        quiet: list[dict[str, list[float]]] = []
        busy: list[dict[str, list[float]]] = []
        for _ in range(ROUNDS):
            quiet.append(await _round(kafka, ROUND_S))
            async with _committing(kafka):
                busy.append(await _round(kafka, ROUND_S))
        found["no_transactions"] = _summary(_joined(quiet))
        found["another_client_commits_10_a_second"] = _summary(_joined(busy))
        found["hung_transaction"] = {
            f"{timeout_ms}_ms": await _hung(kafka, timeout_ms) for timeout_ms in TIMEOUTS_MS
        }
        found["transactions_left_open_one_after_the_other"] = await _repeated(kafka)
    return found


@asynccontextmanager
async def _broker(folder: Path) -> AsyncIterator[KafkaConnection]:
    ports = {name: 0 for name in StackSettings.model_fields if name.endswith("_port")}
    settings = StackSettings.model_validate(
        {"stack": "embedded", "data_dir": folder, "llm": False, "opensearch": False, "jaeger": False, **ports}
    )
    async with Stack(settings) as stack:
        kafka = (await stack.start()).connection("admin")
        await ensure_topics(kafka)
        yield kafka


async def _round(kafka: KafkaConnection, seconds: float) -> dict[str, list[float]]:
    """Latencies in seconds by level, for records published at a constant rate."""
    producer = AIOKafkaProducer(**kafka.options(), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        async with _reading(kafka) as seen:
            begin, count = time.monotonic(), int(seconds * RATE)
            for number in range(count):
                await asyncio.sleep(max(0.0, begin + number / RATE - time.monotonic()))
                await producer.send(PLACE.topic, _MARK + b"%.6f:" % time.monotonic() + _BODY, partition=0)
            await producer.flush()
            async with asyncio.timeout(60):
                while any(len(latencies) < count for latencies in seen.values()):  # noqa: ASYNC110 - two counts
                    await asyncio.sleep(0.05)
            return seen
    finally:
        await producer.stop()


@asynccontextmanager
async def _reading(kafka: KafkaConnection) -> AsyncIterator[dict[str, list[float]]]:
    seen: dict[str, list[float]] = {level: [] for level in LEVELS}
    async with AsyncExitStack() as exits:
        for level in LEVELS:
            consumer = AIOKafkaConsumer(**kafka.options(), enable_auto_commit=False, isolation_level=level)
            await consumer.start()
            exits.push_async_callback(consumer.stop)
            consumer.assign([PLACE])
            await consumer.seek_to_end(PLACE)
            await consumer.position(PLACE)
            task = asyncio.create_task(_record_latencies(consumer, seen[level]))
            exits.push_async_callback(_cancel, task)
        yield seen


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _record_latencies(consumer: Any, latencies: list[float]) -> None:
    async for record in consumer:
        if record.value.startswith(_MARK):
            latencies.append(time.monotonic() - float(record.value.split(b":", 2)[1]))


@asynccontextmanager
async def _committing(kafka: KafkaConnection) -> AsyncIterator[None]:
    """A second client commits ten transactions per second to the same partition."""
    producer = _transactional(kafka, 10_000)
    stop = asyncio.Event()

    async def commit() -> None:
        while not stop.is_set():
            await asyncio.to_thread(_one_transaction, producer)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(commit())
    try:
        yield
    finally:
        stop.set()
        await task


def _transactional(kafka: KafkaConnection, timeout_ms: int) -> Producer:
    producer = Producer(
        {
            **kafka.librdkafka(),
            "transactional.id": f"bench-{uuid4().hex[:8]}",
            "transaction.timeout.ms": timeout_ms,
            "linger.ms": 0,
            "log_level": 0,
        }
    )
    producer.init_transactions(30)
    return producer


def _one_transaction(producer: Producer) -> None:
    _open(producer)
    producer.commit_transaction(30)


def _open(producer: Producer) -> None:
    producer.begin_transaction()
    producer.produce(PLACE.topic, b"in a transaction", partition=0)
    producer.flush(30)


async def _hung(kafka: KafkaConnection, timeout_ms: int) -> dict[str, float]:
    """The longest delay of a record behind an open transaction of a hanging client."""
    producer = await asyncio.to_thread(_transactional, kafka, timeout_ms)
    measuring = asyncio.create_task(_round(kafka, timeout_ms / 1000 + 3))
    await asyncio.sleep(1)
    await asyncio.to_thread(_open, producer)
    return {f"{level}_max_s": round(max(found), 3) for level, found in (await measuring).items()}


async def _repeated(kafka: KafkaConnection) -> dict[str, Any]:
    """Open each transaction before the broker aborts the previous one; the clients end none of them."""
    measuring = asyncio.create_task(_round(kafka, REPEATED_S))
    kept = []
    while not measuring.done():
        producer = await asyncio.to_thread(_transactional, kafka, 10_000)
        await asyncio.to_thread(_open, producer)
        kept.append(producer)
        await asyncio.wait([measuring], timeout=5)
    seen = await measuring
    late = sum(s > 1 for s in seen["read_committed"]) / len(seen["read_committed"])
    return {**_summary(seen), "transactions": len(kept), "later_than_1_s": round(late, 3)}


def _joined(rounds: list[dict[str, list[float]]]) -> dict[str, list[float]]:
    return {level: [s for found in rounds for s in found[level]] for level in LEVELS}


def _summary(seen: dict[str, list[float]]) -> dict[str, Any]:
    statistic: dict[str, Callable[[list[float]], float]] = {
        "p50_ms": lambda x: statistics.median(x) * 1000,
        "p99_ms": lambda x: statistics.quantiles(x, n=100)[98] * 1000,
        "max_ms": lambda x: max(x) * 1000,
    }
    by_level = {level: {n: round(f(found), 2) for n, f in statistic.items()} for level, found in seen.items()}
    plain, committed = (by_level[level] for level in LEVELS)
    return {**by_level, "ratio": {n: round(committed[n] / plain[n], 3) for n in statistic}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    target = parser.parse_args().json
    measured = json.dumps(asyncio.run(main()), indent=1)
    print(measured)
    if target is not None:
        target.write_text(measured + "\n", encoding="utf-8")
