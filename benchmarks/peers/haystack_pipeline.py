"""A Haystack pipeline that does the work of Septet's default path, run asynchronously."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from haystack import Pipeline
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.components.joiners import DocumentJoiner
from haystack.document_stores.types import DuplicatePolicy
from haystack.tracing.tracer import enable_tracing
from haystack.utils import Secret
from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore
from haystack_integrations.tracing.opentelemetry import OpenTelemetryTracer
from opentelemetry import trace
from septet_kit.settings import KitSettings
from septet_retrieval.settings import RetrievalSettings

from benchmarks.peers import corpus
from benchmarks.peers.haystack_components import (
    AnswerabilityCheck,
    InputRails,
    LeanRetriever,
    OutputRails,
    Scorers,
    SeptetPrompt,
    TantivyRetriever,
    to_document,
)
from benchmarks.peers.work import PASSAGES, Reply, Work, check, question_prefix

TABLE = "peer_haystack"
# Connections per process, as for LlamaIndex; more would exceed the sixty of the embedded server.
CONNECTIONS = 5
EDGES = (
    ("rails.question", "embedder.text"),
    ("rails.question", "bm25_retriever.query"),
    ("embedder.embedding", "embedding_retriever.query_embedding"),
    ("bm25_retriever.documents", "joiner.documents"),
    ("embedding_retriever.documents", "joiner.documents"),
    ("rails.event", "answerability.event"),
    ("joiner.documents", "answerability.documents"),
    ("embedder.embedding", "answerability.embedding"),
    ("answerability.event", "prompt.event"),
    ("prompt.messages", "model.messages"),
    ("prompt.event", "review.event"),
    ("model.replies", "review.replies"),
    ("review.revision", "prompt.event"),
    ("rails.outcome", "scorers.outcome"),
    ("answerability.outcome", "scorers.outcome"),
    ("review.outcome", "scorers.outcome"),
)


def document_store(settings: KitSettings, *, anew: bool = False) -> PgvectorDocumentStore:
    """Haystack's own table, with the vector and index types of Septet."""
    dimensions, ef = RetrievalSettings().dimensions, RetrievalSettings().hnsw_ef_search
    return PgvectorDocumentStore(
        connection_string=Secret.from_token(settings.postgres_dsn.get_secret_value()),
        create_extension=False,
        schema_name="public",
        table_name=TABLE,
        embedding_dimension=dimensions,
        vector_type="halfvec",
        search_strategy="hnsw",
        hnsw_index_creation_kwargs={"m": 16, "ef_construction": 64},
        hnsw_ef_search=ef,
        hnsw_index_name=f"{TABLE}_hnsw",
        keyword_index_name=f"{TABLE}_keyword",
        recreate_table=anew,
    )


async def index(settings: KitSettings) -> int:
    """Write Septet's passages and vectors to Haystack's table; return their number."""
    stored = await corpus.read(settings.postgres_dsn.get_secret_value())
    documents = [to_document(passage, embedding=vector.tolist()) for passage, vector in stored]
    store = document_store(settings, anew=True)
    return await asyncio.to_thread(store.write_documents, documents, DuplicatePolicy.FAIL)


class HaystackPeer:
    """The pipeline and its resources, in one process."""

    def __init__(self, settings: KitSettings) -> None:
        self._settings = settings
        self._folder = tempfile.TemporaryDirectory(prefix="peer-haystack-")
        self._work = Work(settings)
        self._lexical = TantivyRetriever(Path(self._folder.name))
        self._pipeline = self._assembled()

    async def start(self) -> None:
        """Fill the lexical index, and answer questions to open every connection and load every model."""
        enable_tracing(OpenTelemetryTracer(trace.get_tracer("haystack")))
        stored = await corpus.read(self._settings.postgres_dsn.get_secret_value())
        passages = [passage for passage, _ in stored]
        await corpus.fill(self._lexical.index, passages)
        for question in corpus.questions(passages, CONNECTIONS):
            # In sequence, because concurrent requests would each initialise the same store.
            check(await self.answer(question))

    async def answer(self, question: str) -> Reply:
        """Run the pipeline."""
        done = await self._pipeline.run_async({"rails": {"question": question}})
        reply: Reply = done["scorers"]["reply"]
        return reply

    async def close(self) -> None:
        """Close the connections and delete the index."""
        await self._work.close()
        await self._lexical.index.close()
        self._folder.cleanup()

    def _assembled(self) -> Pipeline:
        pipeline = Pipeline()
        for name, part in self._components().items():
            pipeline.add_component(name, part)
        for sender, receiver in EDGES:
            pipeline.connect(sender, receiver)
        return pipeline

    def _components(self) -> dict[str, Any]:
        settings, work, key = self._settings, self._work, Secret.from_token("none")
        limits = {
            "max_tokens": work.model.max_tokens,
            "temperature": work.model.temperature,
            "seed": work.model.seed,
        }
        return {
            "rails": InputRails(work),
            "embedder": OpenAITextEmbedder(
                api_key=key,
                model=settings.embeddings_model,
                api_base_url=settings.embeddings_url,
                prefix=question_prefix(settings.embeddings_model),
            ),
            "bm25_retriever": self._lexical,
            "embedding_retriever": LeanRetriever([document_store(settings) for _ in range(CONNECTIONS)]),
            "joiner": DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=PASSAGES),
            "answerability": AnswerabilityCheck(work),
            "prompt": SeptetPrompt(work),
            "model": OpenAIChatGenerator(
                api_key=key, model=settings.llm_model, api_base_url=settings.llm_url, generation_kwargs=limits
            ),
            "review": OutputRails(work),
            "scorers": Scorers(work),
        }
