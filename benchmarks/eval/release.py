"""Latency and rate of release, with a real broker and a real database.

``python -m benchmarks.eval.release [--kill]`` starts the embedded servers and one eval process, publishes ``COUNT``
requests and their outcomes, and writes ``results/release.json``: latency in milliseconds from the outcome record to the
response record, for a burst and for single requests, and, for requests without an outcome, from the deadline to the
response record. ``--kill`` adds a burst during which eval gets ``kill -9``. The run fails if a request does not have
exactly one response.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from septet_contracts import (
    Ask,
    Embedding,
    Outcome,
    Passage,
    Request,
    Verdict,
    encode,
    event_id,
    record_key,
    request_digest,
    topic,
)
from septet_kit.messaging.admin import ensure_topics
from septet_kit.testing import flow
from septet_native.services import module_of
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack

RESULT = Path(__file__).parent / "results" / "release.json"
COUNT = 500
QUESTION = "What is a deque and why would one use it instead of a list?"
TEXT = (
    "Deques are a generalization of stacks and queues. They support thread-safe, memory efficient appends and pops. "
    * 6
)


def pair(name: str) -> tuple[Request, Outcome]:
    """A request and its outcome of realistic size: five passages, an embedding, ten verdicts."""
    request = Request(request_id=name, question=QUESTION)
    passages = tuple(
        Passage(
            passage_id=f"p{n}",
            document_id=f"d{n}",
            content_hash="h",
            text=TEXT,
            start=0,
            end=len(TEXT),
            score=1 / n,
        )
        for n in range(1, 6)
    )
    outcome = flow(
        Outcome,
        request_id=name,
        event_id=event_id("default", name, "outcome"),
        ask=Ask(question=QUESTION),
        request_digest=request_digest(encode(request)),
        answer_kind="generated",
        passages=passages,
        answer=f"Answer {name}: a deque is a generalization of stacks and queues with fast appends on both sides [1].",
        question_vector=Embedding.of("all-MiniLM-L6-v2", (0.051,) * 384),
        verdicts=tuple(Verdict(rail=f"rail{n}", stage="output", decision="pass") for n in range(10)),
    )
    return request, outcome


class Client:
    """Publishes requests and outcomes, and records the timestamp of each response."""

    def __init__(self, bootstrap: str) -> None:
        self.producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
        self.consumer = AIOKafkaConsumer(
            topic("responses").name, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
        )
        self.sent_ms: dict[str, int] = {}
        self.answers: list[tuple[str, int, dict[str, Any]]] = []
        self._received = asyncio.Event()

    async def ask(self, name: str) -> None:
        request, outcome = pair(name)
        key = record_key("default", name, None)
        await self.producer.send(topic("requests").name, encode(request), key=key)
        sent = await self.producer.send_and_wait(topic("outcomes").name, encode(outcome), key=key)
        self.sent_ms[name] = sent.timestamp

    async def read(self) -> None:
        async for record in self.consumer:
            body = json.loads(record.value)
            self.answers.append((body["request_id"], record.timestamp, body))
            self._received.set()

    async def until(self, names: list[str], timeout_s: float) -> None:
        """Wait for a response to every name, then two more seconds for duplicates."""
        async with asyncio.timeout(timeout_s):
            while self._open(names):
                await self._received.wait()
                self._received.clear()
        await asyncio.sleep(2.0)
        counts = Counter(n for n, *_ in self.answers)
        wrong = {n: counts[n] for n in names if counts[n] != 1}
        if wrong:
            raise SystemExit(f"requests without exactly one response, with their counts: {wrong}")

    def _open(self, names: list[str]) -> set[str]:
        return set(names) - {n for n, *_ in self.answers}

    def latencies(self, names: list[str]) -> dict[str, float]:
        """Milliseconds from the outcome record to the response record."""
        wanted = set(names)
        values = sorted(at - self.sent_ms[n] for n, at, _ in self.answers if n in wanted)
        cuts = statistics.quantiles(values, n=100)
        return {
            "count": len(values),
            "p50_ms": cuts[49],
            "p95_ms": cuts[94],
            "p99_ms": cuts[98],
            "max_ms": values[-1],
        }


async def one_by_one(client: Client) -> dict[str, float]:
    names = [f"single-{i}" for i in range(100)]
    for name in names:
        await client.ask(name)
        await asyncio.sleep(0.05)
    await client.until(names, 30)
    return client.latencies(names)


async def burst(client: Client, pid: int, kill: bool = False) -> dict[str, Any]:
    """Publish all requests at once; ``kill`` kills the eval process ``pid`` while it handles them."""
    names = [f"burst{'-killed' if kill else ''}-{i}" for i in range(COUNT)]
    before = psutil.Process(pid).cpu_times()
    started = time.time()
    asking = asyncio.gather(*(client.ask(n) for n in names))
    if kill:
        await asyncio.sleep(0.5)
        os.kill(pid, signal.SIGKILL)
    await asking
    await client.until(names, 90)
    mine = [(at, body) for n, at, body in client.answers if n in set(names)]
    embedded = sum("eval.embeddings" not in body.get("degraded", ()) for _, body in mine)
    used = None if kill else _cpu_s(psutil.Process(pid).cpu_times()) - _cpu_s(before)
    return {
        **client.latencies(names),
        "per_second": round(COUNT / (max(at for at, _ in mine) / 1000 - started), 1),
        "with_embedding": embedded,
        "eval_cpu_ms_each": used and round(1000 * used / COUNT, 2),
    }


def _cpu_s(times: Any) -> float:
    return float(times.user + times.system)


async def silence(client: Client) -> dict[str, float]:
    """Requests without an outcome: milliseconds from the deadline to the record of the expired response."""
    names = [f"silent-{i}" for i in range(200)]
    deadline = datetime.now(UTC) + timedelta(seconds=3)
    for name in names:
        request = Request(request_id=name, question=QUESTION, deadline=deadline)
        await client.producer.send(
            topic("requests").name, encode(request), key=record_key("default", name, None)
        )
        client.sent_ms[name] = int(deadline.timestamp() * 1000)
    await client.producer.flush()
    await client.until(names, 30)
    statuses = {
        body["status"] for n, _, body in client.answers if n in client.sent_ms and n.startswith("silent")
    }
    if statuses != {"expired"}:
        raise SystemExit(f"requests without an outcome got the statuses {statuses}, not only `expired`")
    return client.latencies(names)


async def main() -> None:
    kill = "--kill" in sys.argv
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.environ |= {"SEPTET_DATA_DIR": folder, "SEPTET_LLM": "false"} | {
            f"SEPTET_{n}_PORT": "0" for n in ("KAFKA", "KAFKA_CONTROLLER", "POSTGRES", "EMBEDDINGS", "TRACES")
        }
        async with Stack(StackSettings()) as stack:
            addresses = await stack.start()
            await ensure_topics(addresses.kafka)
            state = await stack.spawn_service("eval", module_of("eval"), {})
            pid = int(state.pid or 0)
            client = Client(addresses.kafka)
            await client.producer.start()
            await client.consumer.start()
            reading = asyncio.create_task(client.read())
            result: dict[str, Any] = {
                "one_by_one": await one_by_one(client),
                "burst": await burst(client, pid),
            }
            result["silence"] = await silence(client)
            if kill:
                result["burst_with_kill"] = await burst(client, pid, kill=True)
            result["load_average"] = round(os.getloadavg()[0], 1)
            reading.cancel()
            await client.producer.stop()
            await client.consumer.stop()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
