"""Searches a topic for the earlier responses to a request."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

from septet_kit.messaging.connection import Kafka

from septet_cli.client import RESPONSES
from septet_cli.log import open_log

WINDOW = 500


async def find_responses(
    kafka: Kafka, request_id: str, tenant: str | None = None, topic: str = RESPONSES
) -> list[dict[str, Any]]:
    """Retained responses to a request id, oldest first.

    Reads backwards and stops ``WINDOW`` records before the newest match.

    Args:
        kafka: connection to Kafka.
        request_id: the request.
        tenant: only responses to this tenant.
        topic: the topic to search.
    """
    needle = json.dumps(request_id).encode()
    found: list[dict[str, Any]] = []
    left = WINDOW
    key = f"{tenant}:{request_id}".encode() if tenant else None
    async with open_log(kafka) as log, aclosing(log.search(topic, key, None)) as records:
        async for record in records:
            if needle in record.value:
                value = json.loads(record.value)
                if value["request_id"] == request_id and tenant in (None, value["tenant"]):
                    found.append(value)
            left -= bool(found)
            if not left:
                break
    return found[::-1]
