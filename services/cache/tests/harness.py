"""The cache's handlers on an in-memory store, and events to feed them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from septet_cache.application.admission import Admission
from septet_cache.application.lookup import Lookup
from septet_cache.application.revocation import Revocation
from septet_cache.handlers import DocumentsChangedHandler, LabelsHandler, ReleasesHandler, ScreenedHandler
from septet_cache.settings import CacheSettings
from septet_contracts import (
    Ask,
    DocumentChanged,
    Label,
    Missed,
    Outcome,
    Release,
    Screened,
    Source,
)
from septet_kit import Transient
from septet_kit.embedding_models import DEFAULT
from septet_kit.testing import context, flow

from .memory_store import MemoryEntries

QUESTION = "How do I sort a list in Python?"
ANSWER = "Use sorted() [1]."
NOW = datetime.now(UTC)


class Down:
    """An embedder or a store that is down."""

    model = DEFAULT

    async def embed(self, texts: Any, kind: Any) -> Any:
        raise Transient("embeddings_unavailable", "down")

    async def by_slot(self, *args: Any) -> Any:
        raise Transient("store_unavailable", "down")


class Hanging:
    """An embedder that never replies."""

    model = DEFAULT

    async def embed(self, texts: Any, kind: Any) -> Any:
        await asyncio.Event().wait()


class Cache:
    """The service without a broker."""

    def __init__(self, embedder: Any, store: Any = None, **settings: Any) -> None:
        self.store = store or MemoryEntries()
        chosen = CacheSettings(**settings)
        self.screened = ScreenedHandler(Lookup(self.store, embedder, chosen, calibrated=True))
        self.releases = ReleasesHandler(Admission(self.store, chosen))
        revocation = Revocation(self.store)
        self.documents_changed = DocumentsChangedHandler(revocation)
        self.labels = LabelsHandler(revocation)

    async def ask(
        self, question: str = QUESTION, *, request_id: str = "r-2", **fields: Any
    ) -> Missed | Outcome:
        ask = Ask(
            question=question,
            **{
                k: fields.pop(k)
                for k in ("cache", "evaluation", "messages", "model", "retrieval")
                if k in fields
            },
        )
        event = flow(Screened, request_id=request_id, ask=ask, **fields)
        (emit,) = await self.screened(event, context("screened", event))
        assert isinstance(emit.event, Missed | Outcome)
        assert emit.topic == ("missed" if isinstance(emit.event, Missed) else "outcomes")
        return emit.event

    async def admit(self, missed: Missed | Outcome, **fields: Any) -> Release:
        response = released(missed, **fields)
        await self.releases(response, context("releases"))
        return response

    async def fill(self, question: str = QUESTION, **fields: Any) -> Release:
        language = fields.get("language", "en")
        return await self.admit(await self.ask(question, request_id="r-1", language=language), **fields)


def released(missed: Missed | Outcome, **fields: Any) -> Release:
    base: dict[str, Any] = {
        "request_id": missed.request_id,
        "tenant": missed.tenant,
        "event_id": uuid4(),
        "response_event_id": uuid4(),
        "occurred_at": NOW,
        "status": "answered",
        "question": missed.ask.query,
        "answer": ANSWER,
        "answer_kind": "generated",
        "sources": (source("h1"),),
        "cache": missed.cache,
        "model": "small",
        "prompt_version": "answer@1",
        "admissible": True,
        "cache_key": missed.ask.cache.key,
        "question_vector": missed.embedding,
    }
    return Release(**(base | fields))


def source(content_hash: str) -> Source:
    return Source(
        number=1, passage_id="d1#0", document_id="d1", content_hash=content_hash, passage="sorted() …"
    )


def changed(change: str, content_hash: str | None) -> DocumentChanged:
    fields = {"request_id": "doc", "event_id": uuid4(), "occurred_at": NOW, "document_id": "d1"}
    return DocumentChanged.model_validate({**fields, "change": change, "content_hash": content_hash})


def label(response: Release, **fields: Any) -> Label:
    base: dict[str, Any] = {
        "request_id": response.request_id,
        "tenant": response.tenant,
        "event_id": uuid4(),
        "occurred_at": NOW,
        "feedback_id": "f",
        "kind": "thumbs",
        "explicit": True,
        "polarity": "negative",
        "weight": 1.0,
        "question": response.question,
        "answer": response.answer,
        "response_event_id": str(response.response_event_id),
        "cache_entry_id": response.cache.entry_id if response.cache else None,
    }
    return Label(**(base | fields))
