"""Feedback out, labels in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from septet_cli import wire
from septet_cli.client import FEEDBACK
from septet_cli.tail import tail

LABELS = "septet.labels.v1"


async def send_feedback(
    bootstrap: str, events: Sequence[dict[str, Any]], timeout: float
) -> dict[str, dict[str, Any]]:
    """Publish feedback events and wait for their labels.

    Args:
        bootstrap: address of Kafka.
        events: bodies as the feedback contract says.
        timeout: seconds to wait; 0 publishes only.

    Returns:
        Labels by feedback id, as far as they came in time.
    """
    wanted = {event["feedback_id"] for event in events}
    labels: dict[str, dict[str, Any]] = {}
    complete = asyncio.Event()

    def receive(record: wire.Record) -> None:
        label = json.loads(record.value or b"{}")
        if label.get("feedback_id") in wanted:
            labels[label["feedback_id"]] = label
            if len(labels) == len(wanted):
                complete.set()

    async with wire.open_producer(bootstrap) as producer, tail(bootstrap, [LABELS], receive):
        for event in events:
            key = f"{event['tenant']}:{event['request_id']}"
            await (await wire.send(producer, FEEDBACK, key, event))
        try:
            await asyncio.wait_for(complete.wait(), timeout or 0.001)
        except TimeoutError:
            return labels
    return labels
