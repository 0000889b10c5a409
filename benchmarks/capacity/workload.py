"""The load: questions about Python's standard library, published by a client."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from septet_cli import wire
from septet_cli.bench.metrics import percentile
from septet_cli.client import Client
from septet_cli.demo.corpus import MODULES
from septet_cli.ingest.document import Document
from septet_cli.ingest.publish import publish_documents, upsert
from septet_cli.ingest.python_docs import load_selection
from septet_cli.tail import tail
from septet_kit.messaging.connection import KafkaConnection

TIMEOUT = 120


@dataclass
class Outcome:
    """Responses to a batch of requests."""

    statuses: Counter[str] = field(default_factory=Counter)
    caches: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    hits: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Counts, and client latency in milliseconds."""
        return {
            "statuses": dict(self.statuses),
            "cache": dict(self.caches),
            "p50_ms": round(percentile(self.latencies, 50), 1),
            "p99_ms": round(percentile(self.latencies, 99), 1),
        }


def documents(limit: int) -> list[Document]:
    """The first *limit* documents of the demo's modules."""
    return load_selection(MODULES)[:limit]


FORMS = (
    "What does {} do?",
    "How is {} used?",
    "When would I need {}?",
    "What is {} for?",
    "Describe {} briefly.",
)


def questions(found: Sequence[Document]) -> list[str]:
    """Distinct questions: one form of question about each documented object, then the next form."""
    titles = sorted({document.title for document in found if document.title})
    return [form.format(title) for form in FORMS for title in titles]


async def ingest(kafka: KafkaConnection, found: Sequence[Document]) -> int:
    """Index the documents and return the number of passages.

    Raises:
        RuntimeError: a document was not indexed.
    """
    report = await publish_documents(kafka, [upsert(d) for d in found], "default")
    if not report.complete:
        raise RuntimeError(report.summary())
    return sum(report.passages.values())


async def ask_all(client: Client, asked: Sequence[str], in_flight: int, **fields: Any) -> Outcome:
    """Ask each question once, with *in_flight* concurrent requests; *fields* are added to each request."""
    slots, outcome, run = asyncio.Semaphore(in_flight), Outcome(), uuid4().hex[:10]

    async def one(number: int, question: str) -> None:
        async with slots:
            request = {"request_id": f"load-{run}-{number}", "question": question, **fields}
            began = time.monotonic()
            response = await client.ask(request, TIMEOUT)
            outcome.latencies.append((time.monotonic() - began) * 1000)
        outcome.statuses[response.status] += 1
        outcome.caches[response.cache.status if response.cache else "none"] += 1
        outcome.request_ids.append(response.request_id)
        if response.cache and response.cache.status.startswith("hit"):
            outcome.hits.append(question)

    async with asyncio.TaskGroup() as group:
        for number, question in enumerate(asked):
            group.create_task(one(number, question))
    return outcome


async def thumbs_up(client: Client, kafka: KafkaConnection, request_ids: Sequence[str]) -> None:
    """Give feedback on each answer and wait for its label."""
    waiting = set(request_ids)
    done = asyncio.Event()

    def receive(record: wire.Record) -> None:
        waiting.discard((record.key or b"").decode().partition(":")[2])
        if not waiting:
            done.set()

    async with tail(kafka, ["septet.labels.v1"], receive):
        for request_id in request_ids:
            body = {
                "feedback_id": f"up-{request_id}",
                "request_id": request_id,
                "kind": "thumbs",
                "value": "up",
            }
            await client.publish("septet.feedback.v1", f"default:{request_id}", body)
        await asyncio.wait_for(done.wait(), TIMEOUT)
