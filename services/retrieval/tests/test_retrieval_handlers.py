"""Events that the handlers return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from septet_contracts import (
    Ask,
    CacheInfo,
    DecimalEmbedding,
    DeleteDocument,
    DocumentChanged,
    Embedding,
    Grounded,
    Missed,
    Outcome,
    RetrievalOptions,
    UpsertDocument,
    Verdict,
    decode,
    encode,
    topic,
)
from septet_kit import Context, Emit
from septet_kit.testing import context, flow
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.app import SPEC
from septet_retrieval.application.classifier import AnswerabilityClassifier
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.application.search import Searcher
from septet_retrieval.handlers import DocumentsHandler, MissedHandler
from septet_retrieval.settings import RetrievalSettings

from tests.support.retrieval import DIMENSIONS, START, WordEmbedder

DEQUE = UpsertDocument(document_id="py/deque", title="deque", text="A deque is a double-ended queue.")


@pytest.fixture
async def documents(ingestor: Ingestor) -> AsyncIterator[DocumentsHandler]:
    worker = asyncio.create_task(ingestor.run())
    yield DocumentsHandler(ingestor, RetrievalSettings())
    worker.cancel()


@pytest.fixture
def questions(store: PostgresStore, index: TantivyIndex, embedder: WordEmbedder) -> MissedHandler:
    settings = RetrievalSettings()
    return MissedHandler(
        Searcher(store, index, embedder, settings), AnswerabilityClassifier(embedder, settings), settings
    )


def record(offset: int) -> Context:
    return context("documents", offset=offset, timestamp=START.replace(second=offset))


async def change(handler: DocumentsHandler, event: Any, offset: int) -> tuple[DocumentChanged, Emit]:
    (emit,) = await handler(event, record(offset))
    assert isinstance(emit.event, DocumentChanged)
    return emit.event, emit


async def answer(handler: MissedHandler, event: Missed) -> tuple[str, Any]:
    (emit,) = await handler(event, context("missed", event))
    assert emit.topic in SPEC.produces
    return emit.topic, emit.event


async def test_a_document_is_announced_after_it_is_searchable(
    documents: DocumentsHandler, index: TantivyIndex
) -> None:
    changed, emit = await change(documents, DEQUE, 1)
    assert (changed.change, changed.passages, changed.embedded) == ("created", 1, 1)
    assert emit.topic == "documents-changed"
    assert emit.key == b"default:py/deque"
    assert [hit.passage.title for hit in await index.search("default", "deque", 5)] == ["deque"]


async def test_a_redelivery_returns_an_identical_event(documents: DocumentsHandler) -> None:
    first, _ = await change(documents, DEQUE, 1)
    again, _ = await change(documents, DEQUE, 1)
    assert encode(again) == encode(first)


async def test_each_change_has_its_own_event_id_even_with_an_old_text(documents: DocumentsHandler) -> None:
    other = DEQUE.model_copy(update={"text": "Something else."})
    changes = [
        (await change(documents, event, n))[0] for n, event in enumerate([DEQUE, other, DEQUE, DEQUE], 1)
    ]
    assert [event.change for event in changes] == ["created", "updated", "updated", "unchanged"]
    assert len({event.event_id for event in changes}) == 4
    assert changes[2].content_hash == changes[0].content_hash == changes[3].content_hash


async def test_a_deletion_is_announced_with_the_previous_hash(documents: DocumentsHandler) -> None:
    first, _ = await change(documents, DEQUE, 1)
    gone, _ = await change(documents, DeleteDocument(action="delete", document_id="py/deque"), 2)
    assert (gone.change, gone.content_hash, gone.previous_hash) == ("deleted", None, first.content_hash)


async def test_an_answerable_question_is_grounded_with_its_passages(
    documents: DocumentsHandler, questions: MissedHandler
) -> None:
    await change(documents, DEQUE, 1)
    topic, event = await answer(questions, flow(Missed, question="What is a deque?"))
    assert topic == "grounded"
    assert isinstance(event, Grounded)
    assert event.passages[0].document_id == "py/deque"
    assert event.answerability is not None
    assert event.answerability.best is not None
    assert event.embedding is not None
    assert [timing.stage for timing in event.timings] == ["retrieval"]


async def test_an_unanswerable_question_gets_an_abstention_with_the_closest_sources(
    documents: DocumentsHandler, questions: MissedHandler
) -> None:
    await change(documents, DEQUE, 1)
    topic, event = await answer(questions, flow(Missed, question="Who won the world cup in 2018?"))
    assert topic == "outcomes"
    assert isinstance(event, Outcome)
    assert (event.status, event.origin, event.answer_kind) == ("abstained", "retrieval", "none")
    assert "deque" in (event.answer or "")
    assert event.passages
    assert event.answerability is not None
    assert not event.answerability.answerable


async def test_an_empty_index_gives_an_abstention(questions: MissedHandler, store: PostgresStore) -> None:
    topic, event = await answer(questions, flow(Missed, question="What is a deque?"))
    assert (topic, event.status, event.passages) == ("outcomes", "abstained", ())


async def test_with_retrieval_off_the_question_is_grounded_without_passages(questions: MissedHandler) -> None:
    ask = Ask(question="Hi", retrieval=RetrievalOptions(mode="off"))
    topic, event = await answer(questions, flow(Missed, ask=ask))
    assert (topic, event.passages, event.retrieval.mode, event.answerability) == ("grounded", (), "off", None)


async def test_without_retrieval_and_generation_the_request_ends_here(questions: MissedHandler) -> None:
    ask = Ask(question="Hi", retrieval=RetrievalOptions(mode="off"), generate=False)
    topic, event = await answer(questions, flow(Missed, ask=ask))
    assert (topic, event.status, event.answer, event.answer_kind) == ("outcomes", "answered", None, "none")
    assert (event.passages, event.retrieval.mode, event.answerability) == ((), "off", None)


async def test_a_search_without_generation_has_no_answerability(
    documents: DocumentsHandler, questions: MissedHandler
) -> None:
    await change(documents, DEQUE, 1)
    topic, event = await answer(questions, flow(Missed, ask=Ask(question="Who is Ada?", generate=False)))
    assert (topic, event.status, event.answer, event.answerability) == ("outcomes", "answered", None, None)
    assert event.passages[0].document_id == "py/deque"


async def test_an_outage_is_added_to_degraded(
    documents: DocumentsHandler, questions: MissedHandler, embedder: WordEmbedder
) -> None:
    await change(documents, DEQUE, 1)
    embedder.down = True
    _, event = await answer(questions, flow(Missed, question="What is a deque?", degraded=("cache",)))
    assert event.degraded == ("cache", "retrieval.dense")
    assert event.passages[0].document_id == "py/deque"
    assert event.embedding is None


async def test_a_redelivery_has_the_same_event_id(questions: MissedHandler, store: PostgresStore) -> None:
    missed = flow(Missed, question="What is a deque?")
    (_, first), (_, again) = await answer(questions, missed), await answer(questions, missed)
    assert first.event_id == again.event_id
    assert first.occurred_at <= again.occurred_at <= datetime.now(UTC)


async def test_unknown_decisions_and_cache_statuses_are_preserved(questions: MissedHandler) -> None:
    unknown = Verdict(rail="new", stage="input", decision="quarantine")
    sent = flow(Missed, verdicts=(unknown,), cache=CacheInfo(status="hit_federated"))
    event = decode(topic("missed"), encode(sent))
    _, made = await answer(questions, event)
    assert (made.verdicts, made.cache) == (event.verdicts, event.cache)


async def test_a_decimal_embedding_is_used_and_sent_packed(questions: MissedHandler) -> None:
    """The previous version of the cache sends decimals; they are used and not computed again."""
    vector = (1.0, *(0.0,) * (DIMENSIONS - 1))
    event = flow(Missed, question_embedding=DecimalEmbedding(model="words", vector=vector))
    _, made = await answer(questions, event)
    assert made.question_embedding is None
    assert made.question_vector == Embedding.of("words", vector)
