"""The one wiring point of eval."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from septet_kit import Kit, ServiceSpec, Stage, Wiring
from septet_kit.embeddings_client import Embedder

from septet_eval import migrations
from septet_eval.adapters.embeddings import AnswerVectors
from septet_eval.adapters.postgres import SCHEMA, PostgresLedger
from septet_eval.domain.scorers import select
from septet_eval.evaluator import Evaluator
from septet_eval.handlers import Handlers
from septet_eval.settings import EvalSettings
from septet_eval.sweeper import DeadlineSweeper, Purger

SPEC = ServiceSpec(
    name="eval",
    consumes=("requests", "outcomes"),
    produces=("responses", "responses.v1", "releases", "outcomes"),
    outbox=("responses", "responses.v1", "releases"),
    about="Scores every outcome and releases exactly one response per request.",
)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Put the service together. Both stages never give up: each request must get its response."""
    settings = EvalSettings()
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(kit.open_pool(SCHEMA, migrations.HEAD))
        ledger = PostgresLedger(pool, settings.response_versions)
        embedder = Embedder(kit.settings)
        stack.push_async_callback(embedder.close)
        vectors = AnswerVectors(embedder, settings.embedding_calls, settings.embedding_batch)
        # The client's first call loads a lot of code, which would cost the first answer its embedding.
        await vectors.embed("ready", embedder.model, within=2.0)
        evaluator = Evaluator(select(settings.scorers), vectors, settings.scoring_budget.total_seconds())
        handlers = Handlers(ledger, evaluator, settings.admission_floors)
        sweeper = DeadlineSweeper(
            ledger, kit.publisher.publish, settings.sweep_interval, settings.sweep_batch
        )
        purger = Purger(ledger, settings.retention, settings.purge_interval)
        yield Wiring(
            stages=(
                Stage(
                    "requests",
                    handlers.register,
                    attempts=None,
                    # Guardrails reads the same topic and answers for what it cannot read.
                    on_malformed="ignore",
                    concurrency=settings.concurrency,
                ),
                Stage("outcomes", handlers.release, attempts=None, concurrency=settings.concurrency),
            ),
            background=(sweeper.run, purger.run),
        )
