"""The one wiring point of eval."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from septet_kit import Kit, KitSettings, ServiceSpec, Stage, Wiring
from septet_kit.calibration import values_of
from septet_kit.embedding_models import base_name
from septet_kit.embeddings_client import Embedder
from septet_kit.observe import get_logger
from septet_kit.sealing import Sealer

from septet_eval import migrations
from septet_eval.adapters.disclosure import Disclosure
from septet_eval.adapters.embeddings import AnswerVectors
from septet_eval.adapters.postgres import SCHEMA, PostgresRequestRegistry
from septet_eval.application.evaluator import Evaluator
from septet_eval.domain.scorers import select
from septet_eval.domain.scorers.relevance import CALIBRATIONS, Calibration, Calibrations, calibration_of
from septet_eval.handlers import CancellationsHandler, OutcomesHandler, RequestsHandler
from septet_eval.housekeeping import DeadlineSweeper, Purger
from septet_eval.settings import EvalSettings

log = get_logger()

SPEC = ServiceSpec(
    name="eval",
    consumes=("requests", "outcomes", "cancellations"),
    produces=("responses", "responses.v1", "releases", "outcomes"),
    outbox=("responses", "responses.v1", "releases"),
    about="Scores every outcome and releases exactly one response per request.",
)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Wire the service. All stages retry without limit, because each request must get its response."""
    settings = EvalSettings()
    calibrations = _calibrations(kit.settings)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(kit.open_pool(SCHEMA, migrations.HEAD))
        pool.outbox.disclose_with(Disclosure(Sealer.of(kit.settings.answer_keys, "SEPTET_ANSWER_KEYS")))
        registry = PostgresRequestRegistry(pool, settings.response_versions)
        embedder = Embedder(kit.settings)
        stack.push_async_callback(embedder.close)
        vectors = AnswerVectors(embedder, settings.embedding_calls, settings.embedding_batch)
        # The first call imports much code. Made here, it does not exceed the time limit of the first answer.
        await vectors.embed("ready", embedder.model, within=2.0)
        if calibration_of(embedder.model, calibrations) is None:
            log.warning(
                "answer_relevance compares words only: the embeddings model has no calibration",
                model=embedder.model,
                calibrated_for=sorted(calibrations),
                fix="run `septet calibrate` and set SEPTET_CALIBRATION_FILE",
            )
        evaluator = Evaluator(
            select(settings.scorers, calibrations),
            vectors,
            settings.scoring_budget.total_seconds(),
            calibrations,
        )
        sweeper = DeadlineSweeper(
            registry, kit.publisher.publish, settings.sweep_interval, settings.sweep_batch
        )
        purger = Purger(registry, settings.retention, settings.purge_interval)
        yield Wiring(
            stages=(
                Stage(
                    "requests",
                    RequestsHandler(registry),
                    attempts=None,
                    # Guardrails reads the same topic and responds to malformed records.
                    on_malformed="ignore",
                    concurrency=settings.concurrency,
                ),
                Stage(
                    "outcomes",
                    OutcomesHandler(registry, evaluator, settings.admission_floors),
                    attempts=None,
                    concurrency=settings.concurrency,
                ),
                Stage(
                    "cancellations",
                    CancellationsHandler(registry),
                    attempts=None,
                    concurrency=settings.concurrency,
                ),
            ),
            background=(sweeper.run, purger.run),
        )


def _calibrations(settings: KitSettings) -> Calibrations:
    """The shipped calibrations, and that of the calibration file for the configured model."""
    fitted = values_of(settings, "answer_relevance", Calibration)
    return {**CALIBRATIONS, base_name(settings.embeddings_model): fitted} if fitted else CALIBRATIONS
