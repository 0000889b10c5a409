"""Wiring of the retrieval service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from septet_kit import Kit, ServiceSpec, Stage, Wiring
from septet_kit.models import Embedder

from septet_retrieval.adapters.opensearch import open_index
from septet_retrieval.adapters.postgres import PostgresStore, tables
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.follower import IndexFollower
from septet_retrieval.handlers import DocumentHandler, QuestionHandler
from septet_retrieval.ingest import Ingestor
from septet_retrieval.judge import Judge
from septet_retrieval.ports import LexicalIndex
from septet_retrieval.search import Searcher
from septet_retrieval.settings import OpenSearchSettings, RetrievalSettings

SPEC = ServiceSpec(
    name="retrieval",
    consumes=("missed", "documents"),
    produces=("grounded", "outcomes", "documents-changed"),
    about="Ingests documents, finds the passages that answer a question, and says when there are none.",
)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Open the indexes, bring the lexical one up to date, and put the handlers together."""
    settings = RetrievalSettings()
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(kit.open_pool("retrieval", tables(settings.dimensions)))
        embedder = Embedder(kit.settings)
        stack.push_async_callback(embedder.close)
        index = await _lexical_index(kit, stack)
        store = PostgresStore(pool, settings.hnsw_ef_search)
        follower = IndexFollower(store, index, settings.catch_up_interval)
        await follower.catch_up()
        ingestor = Ingestor(store, embedder, follower, settings.ingest_batch)
        searcher = Searcher(store, index, embedder, settings)
        judge = Judge(embedder, settings)
        documents = Stage(
            "documents", DocumentHandler(ingestor, settings), budget=timedelta(minutes=2),
            concurrency=2 * settings.ingest_batch, attempts=None,
        )  # fmt: skip
        questions = Stage("missed", QuestionHandler(searcher, judge, settings), answers=False)
        yield Wiring(
            stages=[documents, questions], background=[ingestor.run, follower.run], ready=[index.check]
        )


async def _lexical_index(kit: Kit, stack: AsyncExitStack) -> LexicalIndex:
    """OpenSearch where its address is given, else tantivy in a folder of this instance's own."""
    settings = OpenSearchSettings()
    if settings.url is not None:
        return await stack.enter_async_context(open_index(settings))
    index = TantivyIndex(kit.settings.data_dir / "retrieval" / "tantivy" / kit.instance)
    stack.push_async_callback(index.close)
    return index
