"""Wiring of the retrieval service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from septet_kit import Kit, Permanent, ServiceSpec, Stage, Transient, Wiring
from septet_kit.models import Embedder
from septet_kit.observe import get_logger
from septet_kit.store.pool import StorePool

from septet_retrieval import migrations
from septet_retrieval.adapters.opensearch import open_index
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.adapters.turns import PostgresTurns
from septet_retrieval.domain.answerability import coefficients
from septet_retrieval.follower import IndexFollower, Turn, own
from septet_retrieval.handlers import DocumentHandler, QuestionHandler
from septet_retrieval.ingest import Ingestor
from septet_retrieval.judge import Judge
from septet_retrieval.ports import LexicalIndex
from septet_retrieval.search import Searcher
from septet_retrieval.settings import OpenSearchSettings, RetrievalSettings

log = get_logger()

_CONNECTIONS = 2

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
    coefficients()  # a question must not wait for the models to be read
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(kit.open_pool("retrieval", migrations.HEAD))
        embedder = Embedder(kit.settings)
        stack.push_async_callback(embedder.close)
        index, turn = await _lexical_index(kit, pool, stack)
        store = PostgresStore(pool, settings.hnsw_ef_search)
        follower = IndexFollower(store, index, settings.catch_up_interval, turn)
        await _catch_up(follower)
        ingestor = Ingestor(store, embedder, follower, settings.ingest_batch)
        searcher = Searcher(store, index, embedder, settings)
        judge = Judge(embedder, settings)
        documents = Stage(
            "documents", DocumentHandler(ingestor, settings), budget=timedelta(minutes=2),
            concurrency=2 * settings.ingest_batch, attempts=None,
        )  # fmt: skip
        questions = Stage("missed", QuestionHandler(searcher, judge, settings))
        yield Wiring(
            stages=[documents, questions], background=[ingestor.run, follower.run], ready=[index.check]
        )


async def _lexical_index(kit: Kit, pool: StorePool, stack: AsyncExitStack) -> tuple[LexicalIndex, Turn]:
    """OpenSearch where its address is given, else tantivy in a folder of this instance's own."""
    settings = OpenSearchSettings()
    if settings.url is not None:
        if kit.settings.postgres_pool < _CONNECTIONS:
            raise Permanent(
                "pool_too_small", "a turn at OpenSearch holds a database connection while others are needed",
                field="SEPTET_POSTGRES_POOL", fix=f"set it to {_CONNECTIONS} or more",
            )  # fmt: skip
        index = await stack.enter_async_context(open_index(settings))
        return index, PostgresTurns(pool).applying
    own_index = TantivyIndex(kit.settings.data_dir / "retrieval" / "tantivy" / kit.instance)
    stack.push_async_callback(own_index.close)
    return own_index, own


async def _catch_up(follower: IndexFollower) -> None:
    """Be level before the first question; without the lexical index questions are answered all the same."""
    try:
        await follower.catch_up()
    except Transient as error:
        log.warning("starting without the lexical index", code=error.code, error=error.message)
