"""Publishes feedback and waits for its labels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from septet_client.ports import Record
from septet_client.rejections import Rejection
from septet_contracts import dead_letter_topic, topic
from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import SHARED_ONLY, Tenants

from septet_cli.log import open_log
from septet_cli.wire import to_json

LABELS, DEAD = topic("labels").name, dead_letter_topic("feedback")


@dataclass
class FeedbackReport:
    """Labels of feedback events, or the reasons for their rejection, by feedback id."""

    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)


async def send_feedback(
    kafka: Kafka, events: Sequence[dict[str, Any]], timeout: float, tenants: Tenants = SHARED_ONLY
) -> FeedbackReport:
    """Publish feedback events and wait for the label or dead letter of each.

    Args:
        kafka: connection to Kafka.
        events: bodies of `feedback` records.
        timeout: seconds to wait; 0 does not wait.
        tenants: the tenants and their topics.
    """
    waiting = {event["feedback_id"] for event in events}
    report = FeedbackReport()
    complete = asyncio.Event()

    def receive(record: Record) -> None:
        found = _feedback_id(record)
        if found not in waiting:
            return
        if record.topic == DEAD:
            report.rejected[found] = Rejection.of(record).reason
        else:
            report.labels[found] = json.loads(record.value or b"{}")
        waiting.discard(found)
        if not waiting:
            complete.set()

    async with open_log(kafka) as log:
        await log.follow([LABELS, DEAD], receive)
        for event in events:
            key = f"{event['tenant']}:{event['request_id']}".encode()
            await log.publish(tenants.address("feedback", event["tenant"]), key, to_json(event))
        try:
            await asyncio.wait_for(complete.wait(), timeout or 0.001)
        except TimeoutError:
            return report
    return report


def _feedback_id(record: Record) -> str:
    # A dead letter may hold any bytes.
    try:
        body = json.loads(record.value or b"{}")
    except ValueError:
        return ""
    return str(body.get("feedback_id", "")) if isinstance(body, dict) else ""
