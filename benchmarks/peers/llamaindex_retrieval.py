"""Hybrid retrieval with LlamaIndex: its PostgreSQL vector store, Septet's lexical engine, its fusion retriever."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from pathlib import Path

from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import LLM
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever, VectorIndexRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.vector_stores.postgres import PGVectorStore
from septet_contracts import Passage
from septet_kit.settings import KitSettings
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.domain.passages import IndexedPassage
from septet_retrieval.settings import RetrievalSettings

from benchmarks.peers.corpus import TENANT, found
from benchmarks.peers.work import CANDIDATES, PASSAGES, question_prefix

TABLE = "peer_llamaindex"
# Connections per process; more would exceed the sixty of the embedded server.
CONNECTIONS = 5


@dataclass
class Asked(QueryBundle):
    """A question that keeps the cosines by passage id, because fusion replaces them with its scores."""

    similarities: dict[str, float] = field(default_factory=dict)


class DenseRetriever(VectorIndexRetriever):
    """Search on the vector index; embeds the question during the lexical search."""

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        text = question_prefix(self._embed_model.model_name) + query_bundle.query_str
        query_bundle.embedding = await self._embed_model.aget_query_embedding(text)
        nodes: list[NodeWithScore] = await super()._aretrieve(query_bundle)
        if isinstance(query_bundle, Asked):
            query_bundle.similarities = {node.node_id: node.get_score() for node in nodes}
        return nodes


class TantivyRetriever(BaseRetriever):
    """BM25 over Septet's lexical index."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.index = TantivyIndex(root)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return asyncio.run(self._aretrieve(query_bundle))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = await self.index.search(TENANT, query_bundle.query_str, CANDIDATES)
        return [NodeWithScore(node=to_node(hit.passage), score=hit.score) for hit in hits]


def vector_store(settings: KitSettings) -> PGVectorStore:
    """LlamaIndex's own table, with the vector and index types of Septet."""
    dsn = settings.postgres_dsn.get_secret_value()
    retrieval = RetrievalSettings()
    return PGVectorStore(
        connection_string=dsn.replace("postgresql://", "postgresql+psycopg2://", 1),
        async_connection_string=dsn.replace("postgresql://", "postgresql+asyncpg://", 1),
        table_name=TABLE,
        schema_name="public",
        embed_dim=retrieval.dimensions,
        use_halfvec=True,
        cache_ok=True,
        create_engine_kwargs={"pool_size": CONNECTIONS, "max_overflow": 0},
        hnsw_kwargs={
            "hnsw_m": 16,
            "hnsw_ef_construction": 64,
            "hnsw_ef_search": retrieval.hnsw_ef_search,
            "hnsw_dist_method": "halfvec_cosine_ops",
        },
    )


def hybrid(
    store: PGVectorStore, lexical: TantivyRetriever, embeddings: BaseEmbedding, llm: LLM
) -> QueryFusionRetriever:
    """Both searches concurrently, fused by reciprocal rank, without generated queries (``num_queries``)."""
    index = VectorStoreIndex.from_vector_store(store, embed_model=embeddings)
    dense = DenseRetriever(index, similarity_top_k=CANDIDATES)
    return QueryFusionRetriever(
        [lexical, dense],
        llm=llm,
        mode=FUSION_MODES.RECIPROCAL_RANK,
        similarity_top_k=PASSAGES,
        num_queries=1,
        use_async=True,
    )


def to_node(passage: IndexedPassage, embedding: list[float] | None = None) -> TextNode:
    """A passage as a LlamaIndex node: the text, with the other fields as metadata.

    LlamaIndex recognises a passage by the hash of its metadata, so these have the types that JSON returns.
    """
    metadata = asdict(passage)
    metadata["instructions"] = [list(found) for found in passage.instructions]
    name, text = metadata.pop("passage_id"), metadata.pop("text")
    return TextNode(id_=name, text=text, metadata=metadata, embedding=embedding)


def to_passage(node: NodeWithScore, asked: Asked) -> Passage:
    """The record of a retrieved passage for the next steps."""
    name = node.node_id
    stored = IndexedPassage(passage_id=name, text=node.text, **node.metadata)
    return found(stored, node.get_score(), asked.similarities.get(name))
