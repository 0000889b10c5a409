"""Responses and events of services, for a log in memory."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import uuid5

from septet_contracts import (
    DeleteDocument,
    DocumentChanged,
    ErrorInfo,
    Request,
    Response,
    event_id,
    request_digest,
)

from tests.support.memory_log import MemoryLog as MemoryLog
from tests.support.memory_log import respond as respond


def failed(request: Request, code: str = "model_failed", status: str = "failed") -> Response:
    """A response without an answer."""
    return respond(request, status=status, answer=None, error=ErrorInfo(code=code, message="it broke"))


def conflict_of(request: Request, value: bytes) -> Response:
    """The response to another body under the same id."""
    own = event_id(request.tenant, request.request_id, "conflict", request_digest(value))
    return failed(request, "conflict").model_copy(update={"event_id": uuid5(own, "v2")})


def changed(event: Any, at: datetime, **fields: Any) -> DocumentChanged:
    """The change that a document event leads to."""
    digest = hashlib.sha256(event.document_id.encode()).hexdigest()[:32]
    made: dict[str, Any] = {
        "request_id": digest,
        "tenant": event.tenant,
        "document_id": event.document_id,
        "event_id": event_id(event.tenant, digest, DocumentChanged.STEP, "1"),
        "occurred_at": at,
        "change": "deleted" if isinstance(event, DeleteDocument) else "created",
    }
    return DocumentChanged(**(made | fields))
