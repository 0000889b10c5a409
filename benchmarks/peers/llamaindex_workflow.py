"""A LlamaIndex workflow that does the work of Septet's default path."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from llama_index.core.llms import ChatMessage
from llama_index.core.schema import BaseNode
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike
from llama_index.observability.otel.base import OTelCompatibleSpanHandler
from llama_index_instrumentation import get_dispatcher
from opentelemetry import trace
from septet_contracts import Grounded, Outcome, Revision, Screened
from septet_kit.settings import KitSettings
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from benchmarks.peers import corpus
from benchmarks.peers.llamaindex_retrieval import (
    CONNECTIONS,
    Asked,
    TantivyRetriever,
    hybrid,
    to_node,
    to_passage,
    vector_store,
)
from benchmarks.peers.work import Reply, Work, check


class Screen(Event):
    """The question passed the input rails."""

    held: Screened


class Generate(Event):
    """The passages can answer the question, or a rail asks for a revised draft."""

    held: Grounded | Revision


class Drafted(Event):
    """The model has answered."""

    held: Grounded | Revision
    text: str
    finish_reason: str


class Ended(Event):
    """The outcome, before scoring."""

    held: Outcome


async def index(settings: KitSettings) -> int:
    """Write Septet's passages and vectors to LlamaIndex's table; return their number."""
    stored = await corpus.read(settings.postgres_dsn.get_secret_value())
    store = vector_store(settings)
    await asyncio.to_thread(store.clear)
    nodes = [to_node(passage, vector.tolist()) for passage, vector in stored]
    added = await asyncio.to_thread(store.add, list[BaseNode](nodes))
    await store.close()
    return len(added)


class Answering(Workflow):
    """The workflow: screen, retrieve, generate, review and score."""

    def __init__(self, settings: KitSettings, work: Work, lexical: TantivyRetriever) -> None:
        super().__init__(timeout=60)
        self._work = work
        model = work.model
        self._llm = OpenAILike(
            model=settings.llm_model,
            api_base=settings.llm_url,
            api_key="none",
            is_chat_model=True,
            max_tokens=model.max_tokens,
            temperature=model.temperature or 0.0,
            additional_kwargs={"seed": model.seed},
        )
        embeddings = OpenAILikeEmbedding(
            model_name=settings.embeddings_model, api_base=settings.embeddings_url
        )
        self.store = vector_store(settings)
        self._retriever = hybrid(self.store, lexical, embeddings, self._llm)

    @step
    async def screen(self, ev: StartEvent) -> Screen | Ended:
        """Run language detection and every default input rail."""
        event = self._work.screen(ev.question)
        return Ended(held=event) if isinstance(event, Outcome) else Screen(held=event)

    @step
    async def retrieve(self, ev: Screen) -> Generate | Ended:
        """Run hybrid search and assess whether the passages can answer the question."""
        asked = Asked(ev.held.ask.query)
        nodes = await self._retriever.aretrieve(asked)
        passages = [to_passage(node, asked) for node in nodes]
        event = await self._work.assess(ev.held, passages, asked.embedding or [])
        return Ended(held=event) if isinstance(event, Outcome) else Generate(held=event)

    @step
    async def generate(self, ev: Generate) -> Drafted:
        """Call the model once."""
        messages = [ChatMessage(role=m.role, content=m.content) for m in self._work.prompt(ev.held)]
        response = await self._llm.achat(messages)
        finish = str(response.raw.choices[0].finish_reason if response.raw else "stop")
        return Drafted(held=ev.held, text=response.message.content or "", finish_reason=finish)

    @step
    async def review(self, ev: Drafted) -> Generate | Ended:
        """Run every default output rail."""
        event = self._work.review(ev.held, ev.text, ev.finish_reason)
        return Ended(held=event) if isinstance(event, Outcome) else Generate(held=event)

    @step
    async def score(self, ev: Ended) -> StopEvent:
        """Run every scorer of the hot path."""
        return StopEvent(result=await self._work.reply(ev.held))


class LlamaIndexPeer:
    """The workflow and its resources, in one process."""

    def __init__(self, settings: KitSettings) -> None:
        self._dsn = settings.postgres_dsn.get_secret_value()
        self._folder = tempfile.TemporaryDirectory(prefix="peer-llamaindex-")
        self._work = Work(settings)
        self._lexical = TantivyRetriever(Path(self._folder.name))
        self._workflow = Answering(settings, self._work, self._lexical)

    async def start(self) -> None:
        """Fill the lexical index, and answer questions to open connections and load models.

        Spans contain no texts, as in Septet: registers only LlamaIndex's span handler, not the handler that copies every
        node and message into spans.
        """
        get_dispatcher().add_span_handler(OTelCompatibleSpanHandler(tracer=trace.get_tracer("llamaindex")))
        passages = [passage for passage, _ in await corpus.read(self._dsn)]
        await corpus.fill(self._lexical.index, passages)
        for question in corpus.questions(passages, CONNECTIONS):
            check(await self.answer(question))

    async def answer(self, question: str) -> Reply:
        """Run the workflow."""
        reply: Reply = await self._workflow.run(question=question)
        return reply

    async def close(self) -> None:
        """Close the connections and delete the index."""
        await self._workflow.store.close()
        await self._work.close()
        await self._lexical.index.close()
        self._folder.cleanup()
