"""Publishes the cancellation of a request and waits for its response."""

from __future__ import annotations

import asyncio
import json

from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import SHARED_ONLY, Tenants

from septet_cli import wire
from septet_cli.tail import tail


async def send_cancellation(
    kafka: Kafka,
    request_id: str,
    tenant: str,
    timeout: float,
    *,
    reason: str | None = None,
    tenants: Tenants = SHARED_ONLY,
) -> str | None:
    """Publish a cancellation; returns the status of the response that follows.

    Args:
        kafka: connection to Kafka.
        request_id: of the request.
        tenant: of the request.
        timeout: seconds to wait for the response; 0 does not wait.
        reason: for people who read the topic.
        tenants: the tenants and their topics.

    Returns:
        The status; ``None`` if no response follows in time: there is none to wait for, or the request is not known.
    """
    body = {"request_id": request_id, "tenant": tenant, "reason": reason}
    value = {name: given for name, given in body.items() if given is not None}
    status: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def receive(record: wire.Record) -> None:
        response = json.loads(record.value or b"{}")
        if response.get("request_id") == request_id and not status.done():
            status.set_result(response["status"])

    responses = tenants.address("responses", tenant)
    async with wire.open_producer(kafka) as producer, tail(kafka, [responses], receive):
        topic = tenants.address("cancellations", tenant)
        await (await wire.send(producer, topic, f"{tenant}:{request_id}", value))
        await asyncio.wait([status], timeout=timeout)
    return status.result() if status.done() else None
