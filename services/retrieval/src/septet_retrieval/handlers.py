"""Handlers of the consumed topics: ingest of documents, and search for a question."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from septet_contracts import (
    DeleteDocument,
    DocumentChanged,
    Grounded,
    Missed,
    Outcome,
    RetrievalInfo,
    UpsertDocument,
    event_id,
)
from septet_kit import Context, Emit, advance
from septet_kit.offload import Offload

from septet_retrieval.application.classifier import AnswerabilityClassifier
from septet_retrieval.application.ingest import Incoming, Ingested, Ingestor
from septet_retrieval.application.search import Query, Searcher, SearchResult
from septet_retrieval.domain.abstention import abstention
from septet_retrieval.domain.passages import Document, to_passages
from septet_retrieval.domain.query import search_text
from septet_retrieval.domain.revisions import Decision, Origin
from septet_retrieval.settings import RetrievalSettings

STAGE = "retrieval"

_offload = Offload(inline=4_096)


class DocumentsHandler:
    """``documents`` → ``documents-changed``, after the store and the lexical index have the new state."""

    def __init__(self, ingestor: Ingestor, settings: RetrievalSettings) -> None:
        self._ingestor = ingestor
        self._limits = settings.limits

    async def __call__(self, event: UpsertDocument | DeleteDocument, ctx: Context) -> Sequence[Emit]:
        size = 0 if isinstance(event, DeleteDocument) else len(event.text)
        incoming = await _offload(size, self._incoming, event, ctx)
        ingested = await self._ingestor.submit(incoming)
        changed = _changed(event, ingested, ctx)
        return [Emit("documents-changed", changed, key=f"{event.tenant}:{event.document_id}".encode())]

    def _incoming(self, event: UpsertDocument | DeleteDocument, ctx: Context) -> Incoming:
        key = (event.tenant, event.document_id)
        origin = Origin(ctx.timestamp, ctx.partition, ctx.offset)
        if isinstance(event, DeleteDocument):
            return Incoming(key, event.revision, None, origin)
        document = Document(
            tenant=event.tenant,
            document_id=event.document_id,
            text=event.text,
            title=event.title,
            uri=event.uri,
            media_type=event.media_type,
            location=event.location,
        )
        passages = to_passages(document, self._limits)
        return Incoming(key, event.revision, document.content_hash, origin, passages)


def _changed(event: UpsertDocument | DeleteDocument, ingested: Ingested, ctx: Context) -> DocumentChanged:
    """Return the event. Its id derives from the stored state or, without a change, from the record's position."""
    state = ingested.state
    changed = ingested.decision in (Decision.APPLY, Decision.REPEAT)
    item = f"{state.sequence}" if changed else f"unchanged:{ctx.partition}:{ctx.offset}"
    digest = hashlib.sha256(event.document_id.encode()).hexdigest()[:32]
    return DocumentChanged(
        request_id=digest,
        tenant=event.tenant,
        document_id=event.document_id,
        event_id=event_id(event.tenant, digest, DocumentChanged.STEP, item),
        occurred_at=ctx.timestamp,
        change=state.change if changed else "unchanged",
        content_hash=state.content_hash,
        previous_hash=state.previous_hash if changed else state.content_hash,
        passages=state.passages,
        embedded=state.embedded if changed else 0,
        instructions=state.instructions,
    )


class MissedHandler:
    """``missed`` → ``grounded``, or ``outcomes`` if no answer is to be generated."""

    def __init__(
        self, searcher: Searcher, classifier: AnswerabilityClassifier, settings: RetrievalSettings
    ) -> None:
        self._searcher = searcher
        self._classifier = classifier
        self._threshold = settings.answerability_threshold

    async def __call__(self, event: Missed, ctx: Context) -> Sequence[Emit]:
        if event.ask.retrieval.mode == "off":
            return [_without_search(event, ctx)]
        text = search_text(event.ask)
        given = event.embedding if text == event.ask.query else None
        found = await self._searcher.search(Query(event.tenant, text, event.ask.retrieval, given))
        if not event.ask.generate:
            return [_search_only(event, found, ctx)]
        return [await self._classified(event, text, found, ctx)]

    async def _classified(self, event: Missed, text: str, found: SearchResult, ctx: Context) -> Emit:
        assessment = await self._classifier.assess(text, found.passages, found.embedding)
        verdict = assessment.verdict(self._threshold)
        carried = _carried(event, text, found) | {"answerability": verdict}
        if verdict.answerable:
            return Emit("grounded", advance(event, Grounded, ctx, stage=STAGE, **carried))
        answer = abstention(event.ask.query, event.language, found.passages)
        return _outcome(event, ctx, status="abstained", answer=answer, **carried)


def _without_search(event: Missed, ctx: Context) -> Emit:
    """Pass the question on to generation, or end the request if it wants no model call either."""
    info = RetrievalInfo(mode="off", fusion=event.ask.retrieval.fusion)
    if not event.ask.generate:
        return _outcome(event, ctx, status="answered", retrieval=info)
    return Emit("grounded", advance(event, Grounded, ctx, stage=STAGE, retrieval=info))


def _search_only(event: Missed, found: SearchResult, ctx: Context) -> Emit:
    return _outcome(event, ctx, status="answered", **_carried(event, event.ask.query, found))


def _carried(event: Missed, text: str, found: SearchResult) -> dict[str, Any]:
    """Return the fields that the search adds to the event.

    The cache compares questions, so the event carries only the embedding of the question itself.
    """
    own = found.embedding if text == event.ask.query else event.embedding
    return {
        "passages": found.passages,
        "retrieval": found.info,
        "question_vector": own or event.embedding,
        "question_embedding": None,
        "verdicts": (*event.verdicts, *found.verdicts),
        "degraded": tuple(dict.fromkeys((*event.degraded, *found.degraded))),
    }


def _outcome(event: Missed, ctx: Context, **fields: Any) -> Emit:
    return Emit(
        "outcomes", advance(event, Outcome, ctx, stage=STAGE, origin=STAGE, answer_kind="none", **fields)
    )
