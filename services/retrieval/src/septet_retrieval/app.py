"""Wiring of the retrieval service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from septet_kit import Kit, Permanent, ServiceSpec, Stage, Transient, Wiring
from septet_kit.calibration import values_of
from septet_kit.embeddings_client import Embedder
from septet_kit.observe import get_logger
from septet_kit.store.pool import StorePool

from septet_retrieval import migrations
from septet_retrieval.adapters.locks import PostgresLocks
from septet_retrieval.adapters.opensearch import open_index
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.application.classifier import AnswerabilityClassifier
from septet_retrieval.application.ingest import Ingestor
from septet_retrieval.application.reembed import Reembedder
from septet_retrieval.application.search import Searcher
from septet_retrieval.domain import instructions
from septet_retrieval.domain.answerability import FittedCoefficients, coefficients
from septet_retrieval.handlers import DocumentsHandler, MissedHandler
from septet_retrieval.housekeeping import ApplyLock, IndexFollower, no_lock
from septet_retrieval.ports import LexicalIndex
from septet_retrieval.settings import OpenSearchSettings, RetrievalSettings

log = get_logger()

_CONNECTIONS = 2

SPEC = ServiceSpec(
    name="retrieval",
    consumes=("missed", "documents"),
    produces=("grounded", "outcomes", "documents-changed"),
    live_only=("documents",),
    about="Ingests documents, finds passages that answer a question, and abstains if there are none.",
)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Open the store and the lexical index, bring the index up to date, and create the handlers.

    A process of a namespace searches the live passages, which it only reads.
    """
    settings = RetrievalSettings()
    coefficients()  # loaded here, so that no question waits for it
    fitted = values_of(kit.settings, "answerability", FittedCoefficients)
    async with AsyncExitStack() as stack:
        is_live = kit.names.is_live
        pool = await stack.enter_async_context(
            kit.open_pool("retrieval", migrations.HEAD)
            if is_live
            else kit.open_live_pool(settings.passages_schema, migrations.HEAD)
        )
        embedder = Embedder(kit.settings)
        stack.push_async_callback(embedder.close)
        index, lock = await _lexical_index(kit, pool, stack)
        store = PostgresStore(pool, settings.hnsw_ef_search)
        follower = IndexFollower(store, index, settings.catch_up_interval, lock)
        # The live processes write a shared index; tantivy's belongs to this process.
        follows = is_live or lock is no_lock
        if follows:
            await _catch_up(follower)
        reader = None if settings.instructions == "off" else instructions.read
        ingestor = Ingestor(store, embedder, follower, settings.ingest_batch, reader)
        searcher = Searcher(store, index, embedder, settings)
        reembedder = Reembedder(store, embedder)
        classifier = AnswerabilityClassifier(embedder, settings, fitted)
        documents = Stage(
            "documents",
            DocumentsHandler(ingestor, settings),
            budget=timedelta(minutes=2),
            concurrency=2 * settings.ingest_batch,
            attempts=None,
        )
        questions = Stage("missed", MissedHandler(searcher, classifier, settings))
        writers = [ingestor.run, reembedder.run] if is_live else []
        yield Wiring(
            stages=[documents, questions],
            background=[*writers, *([follower.run] if follows else [])],
            ready=[index.check],
        )


async def _lexical_index(kit: Kit, pool: StorePool, stack: AsyncExitStack) -> tuple[LexicalIndex, ApplyLock]:
    """Open OpenSearch if its URL is set, otherwise tantivy in this instance's own folder."""
    settings = OpenSearchSettings()
    if settings.url is not None:
        if kit.settings.postgres_pool < _CONNECTIONS:
            message = "the OpenSearch lock holds one database connection, and statements need another"
            fix = f"set it to {_CONNECTIONS} or more"
            raise Permanent("pool_too_small", message, field="SEPTET_POSTGRES_POOL", fix=fix)
        index = await stack.enter_async_context(open_index(settings))
        return index, PostgresLocks(pool).apply_lock
    own_index = TantivyIndex(kit.settings.data_dir / "retrieval" / "tantivy" / kit.instance)
    stack.push_async_callback(own_index.close)
    return own_index, no_lock


async def _catch_up(follower: IndexFollower) -> None:
    """Bring the lexical index up to date before the first question. A failure is logged: dense search still works."""
    try:
        await follower.catch_up()
    except Transient as error:
        log.warning("starting without the lexical index", code=error.code, error=error.message)
