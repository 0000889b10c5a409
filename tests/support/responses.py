"""Responses of a service that answers every request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

from septet_contracts import Request, Response, event_id


def respond(request: Request, **fields: Any) -> Response:
    """A response to a request; an answer by default."""
    made: dict[str, Any] = {
        "request_id": request.request_id,
        "tenant": request.tenant,
        "conversation_id": request.conversation_id,
        "event_id": uuid5(event_id(request.tenant, request.request_id, Response.STEP), "v2"),
        "occurred_at": datetime.now(UTC),
        "status": "answered",
        "question": request.query,
        "answer": "A deque is a queue [1].",
        "answer_kind": "generated",
        "trace_id": "0" * 31 + "1",
    }
    return Response(**(made | fields))
