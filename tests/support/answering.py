"""Plays the services' part for a client: answers each request by its echo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from septet_contracts import Request, Response, Source, decode, encode, event_id, record_key, topic
from septet_kit.messaging.connection import KafkaConnection


@asynccontextmanager
async def answering(kafka: KafkaConnection, **fields: Any) -> AsyncIterator[list[Request]]:
    """Answer each request by its echo, as a service would; yields the requests that came."""
    seen: list[Request] = []
    consumer = AIOKafkaConsumer(**kafka.options(), enable_auto_commit=False)
    producer = AIOKafkaProducer(**kafka.options(), acks="all")
    await consumer.start()
    await producer.start()
    partitions = [TopicPartition(topic("requests").name, p) for p in range(topic("requests").partitions)]
    consumer.assign(partitions)
    await consumer.seek_to_end(*partitions)

    async def answer() -> None:
        async for record in consumer:
            request = decode(topic("requests"), record.value)
            assert record.key == record_key(request.tenant, request.request_id, None)
            seen.append(request)
            for response in (noise(request), echo(request, **fields)):
                await producer.send_and_wait(topic("responses").name, encode(response), key=record.key)

    task = asyncio.create_task(answer())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consumer.stop()
        await producer.stop()


def echo(request: Request, **fields: Any) -> Response:
    """A response that repeats the question and cites it."""
    name = fields.pop("request_id", request.request_id)
    source = Source(number=1, passage_id="p", document_id="d", passage=request.query, cited=True)
    given: dict[str, Any] = {
        "request_id": name,
        "tenant": request.tenant,
        "event_id": event_id(request.tenant, name, "response"),
        "occurred_at": datetime.now(UTC),
        "status": "answered",
        "answer": f"{request.query} [1]",
        "sources": (source,),
    }
    return Response(**given | fields)


def noise(request: Request) -> Response:
    """Another client's response, which must not be taken for one's own."""
    return echo(request, request_id=f"{request.request_id}-other")
