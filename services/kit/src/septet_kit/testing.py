"""Builders for tests of handlers: valid events and contexts with defaults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from septet_contracts import (
    Ask,
    CacheInfo,
    Flow,
    Outcome,
    Passage,
    RetrievalInfo,
    encode,
    event_id,
    record_key,
    request_digest,
    short_name,
    topic,
)

from septet_kit.context import Context

F = TypeVar("F", bound=Flow)


def flow(cls: type[F], *, question: str = "What is a deque?", **fields: Any) -> F:
    """An event of the flow: an instance of ``cls`` with every required field filled in."""
    now = datetime.now(UTC)
    request_id = fields.pop("request_id", "r-1")
    tenant = fields.pop("tenant", "default")
    base: dict[str, Any] = {
        "request_id": request_id,
        "tenant": tenant,
        "event_id": event_id(tenant, request_id, cls.STEP),
        "occurred_at": now,
        "accepted_at": now,
        "deadline": now + timedelta(seconds=60),
        "request_digest": request_digest(question.encode()),
        "ask": Ask(question=question),
        "language": "en",
    }
    names = cls.model_fields
    if names.get("cache") is not None and cls is not Outcome:
        base["cache"] = CacheInfo(status="miss")
        if "retrieval" in names:
            base["retrieval"] = RetrievalInfo(mode="hybrid")
    defaults: dict[str, Any] = {
        "answer": "A deque is a double-ended queue [1].",
        "model": "septet-small",
        "prompt_version": "answer@1",
        "rejected": "",
        "complaints": ("cite a passage",),
        "attempt": 1,
        "status": "answered",
        "origin": "guardrails",
    }
    base |= {n: v for n, v in defaults.items() if n in names and n not in fields}
    if "complaints" in names and "attempt" not in fields:
        base["attempt"] = 2
    return cls(**(base | fields))


def passage(text: str, number: int = 1, **fields: Any) -> Passage:
    """A whole passage of a document of its own; passages of different numbers have different ids."""
    base: dict[str, Any] = {
        "passage_id": f"p{number}",
        "document_id": f"d{number}",
        "content_hash": "h",
        "start": 0,
        "end": fields.get("start", 0) + len(text),
        "score": 1.0,
    }
    return Passage(text=text, **(base | fields))


def context(name: str = "screened", event: Any = None, **fields: Any) -> Context:
    """A context as the runtime would make it for ``event`` on the topic ``name``."""
    key = b"default:r-1"
    if isinstance(event, Flow):
        key = record_key(event.tenant, event.request_id, event.conversation_id)
    base: dict[str, Any] = {
        "topic": short_name(topic(name)),
        "partition": 0,
        "offset": 0,
        "key": key,
        "timestamp": datetime.now(UTC),
        "value": encode(event) if event is not None else b"{}",
        "deadline": getattr(event, "deadline", None),
    }
    return Context(**(base | fields))
