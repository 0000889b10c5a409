"""Haystack components for Septet's lexical engine, rails, answerability and scorers, which Haystack does not have.

Each component has ``run_async``, so that the pipeline awaits it on the loop: these steps hold the interpreter's lock, so a
thread would only add cost. The module has no ``__future__`` import, because Haystack reads the annotations to find
inputs with several senders.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Any, Self

from haystack import Document, component
from haystack.core.component.types import GreedyVariadic
from haystack.dataclasses import ChatMessage
from haystack_integrations.components.retrievers.pgvector import PgvectorEmbeddingRetriever
from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore
from septet_contracts import Outcome, Passage
from septet_generation.domain.chat import ChatMessage as Message
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.domain.passages import IndexedPassage

from benchmarks.peers.corpus import TENANT, found
from benchmarks.peers.work import CANDIDATES, Reply, Work

_MAKE = {
    "system": ChatMessage.from_system,
    "user": ChatMessage.from_user,
    "assistant": ChatMessage.from_assistant,
}


class Held:
    """A record between components. It is immutable, so a copy by the pipeline is the record itself."""

    def __init__(self, event: Any) -> None:
        self.event = event

    def __deepcopy__(self, memo: object) -> Self:
        return self


def to_document(passage: IndexedPassage, **fields: Any) -> Document:
    """A passage as a Haystack document: the text, with the other fields as metadata."""
    meta = asdict(passage)
    return Document(id=meta.pop("passage_id"), content=meta.pop("text"), meta=meta, **fields)


@component
class TantivyRetriever:
    """BM25 over Septet's lexical index."""

    def __init__(self, root: Path) -> None:
        self.index = TantivyIndex(root)

    @component.output_types(documents=list[Document])
    def run(self, query: str) -> dict[str, list[Document]]:
        """Blocking variant."""
        return asyncio.run(self.run_async(query))

    @component.output_types(documents=list[Document])
    async def run_async(self, query: str) -> dict[str, list[Document]]:
        """Search the words of *query*; tantivy searches in a thread."""
        hits = await self.index.search(TENANT, query, CANDIDATES)
        return {"documents": [to_document(hit.passage, score=hit.score) for hit in hits]}


@component
class LeanRetriever:
    """Haystack's retriever on several stores in turns; removes the vectors of the results.

    A store has one connection, and whoever waits for it waits for the loop as well. The pipeline would copy each vector
    twice. The cosine goes along in the meta data, because fusion puts its score in its place.
    """

    def __init__(self, stores: Sequence[PgvectorDocumentStore]) -> None:
        made = (PgvectorEmbeddingRetriever(document_store=store, top_k=CANDIDATES) for store in stores)
        self._retrievers = cycle(list(made))

    @component.output_types(documents=list[Document])
    def run(self, query_embedding: list[float]) -> dict[str, list[Document]]:
        """Search the nearest passages, for blocking pipelines."""
        nearest = next(self._retrievers).run(query_embedding)
        return {"documents": [_lean(document) for document in nearest["documents"]]}

    @component.output_types(documents=list[Document])
    async def run_async(self, query_embedding: list[float]) -> dict[str, list[Document]]:
        """Search the nearest passages."""
        nearest = await next(self._retrievers).run_async(query_embedding)
        return {"documents": [_lean(document) for document in nearest["documents"]]}


class _Step:
    """Base class of components that call :class:`Work`."""

    def __init__(self, work: Work) -> None:
        self.work = work


@component
class InputRails(_Step):
    """Screens the question; a blocked question skips to the scorers."""

    @component.output_types(question=str, event=Held, outcome=Held)
    def run(self, question: str) -> Mapping[str, Any]:
        """Run language detection and every default rail."""
        event = self.work.screen(question)
        if isinstance(event, Outcome):
            return {"outcome": Held(event)}
        return {"question": event.ask.query, "event": Held(event)}

    @component.output_types(question=str, event=Held, outcome=Held)
    async def run_async(self, question: str) -> Mapping[str, Any]:
        """Variant for the event loop."""
        return self.run(question)


@component
class AnswerabilityCheck(_Step):
    """Decides whether the passages can answer the question; an abstention skips to the scorers."""

    @component.output_types(event=Held, outcome=Held)
    def run(self, event: Held, documents: list[Document], embedding: list[float]) -> Mapping[str, Held]:
        """Blocking variant."""
        return asyncio.run(self.run_async(event, documents, embedding))

    @component.output_types(event=Held, outcome=Held)
    async def run_async(
        self, event: Held, documents: list[Document], embedding: list[float]
    ) -> Mapping[str, Held]:
        """Assess the evidence."""
        passages = [_passage(document) for document in documents]
        result = await self.work.assess(event.event, passages, embedding)
        return {"outcome" if isinstance(result, Outcome) else "event": Held(result)}


@component
class SeptetPrompt(_Step):
    """Builds the messages of a first draft or of a revision."""

    @component.output_types(messages=list[ChatMessage], event=Held)
    def run(self, event: GreedyVariadic[Held]) -> Mapping[str, Any]:
        """Cut the passages to the limit of the model and fill the template."""
        held = next(iter(event))
        return {"messages": [_chat(m) for m in self.work.prompt(held.event)], "event": held}

    @component.output_types(messages=list[ChatMessage], event=Held)
    async def run_async(self, event: GreedyVariadic[Held]) -> Mapping[str, Any]:
        """Variant for the event loop."""
        return self.run(event)


@component
class OutputRails(_Step):
    """Reviews the reply of the model: an outcome, or a revision that calls the model again."""

    @component.output_types(revision=Held, outcome=Held)
    def run(self, event: Held, replies: list[ChatMessage]) -> Mapping[str, Held]:
        """Run every default rail."""
        finish = str(replies[0].meta.get("finish_reason") or "stop")
        reviewed = self.work.review(event.event, replies[0].text or "", finish)
        return {"outcome" if isinstance(reviewed, Outcome) else "revision": Held(reviewed)}

    @component.output_types(revision=Held, outcome=Held)
    async def run_async(self, event: Held, replies: list[ChatMessage]) -> Mapping[str, Held]:
        """Variant for the event loop."""
        return self.run(event, replies)


@component
class Scorers(_Step):
    """Scores the outcome."""

    @component.output_types(reply=Reply)
    def run(self, outcome: GreedyVariadic[Held]) -> Mapping[str, Reply]:
        """Blocking variant."""
        return asyncio.run(self.run_async(outcome))

    @component.output_types(reply=Reply)
    async def run_async(self, outcome: GreedyVariadic[Held]) -> Mapping[str, Reply]:
        """Run every scorer of the hot path."""
        return {"reply": await self.work.reply(next(iter(outcome)).event)}


def _lean(document: Document) -> Document:
    meta = {**document.meta, "similarity": document.score}
    return Document(id=document.id, content=document.content, meta=meta, score=document.score)


def _passage(document: Document) -> Passage:
    meta = dict(document.meta)
    similarity = meta.pop("similarity", None)
    stored = IndexedPassage(passage_id=document.id, text=document.content or "", **meta)
    return found(stored, document.score or 0.0, similarity)


def _chat(message: Message) -> ChatMessage:
    return _MAKE[message.role](message.content)
