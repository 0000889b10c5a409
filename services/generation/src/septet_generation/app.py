"""Wiring of the generation service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

from septet_kit import Kit, ServiceSpec, Stage, Wiring
from septet_kit.store import Ledger

from septet_generation import migrations
from septet_generation.adapters.kafka import CancellationFollower
from septet_generation.adapters.openai_chat import OpenAIChat
from septet_generation.adapters.postgres import SCHEMA, PostgresEpochs
from septet_generation.adapters.templates import Templates
from septet_generation.application.cancellations import Cancellations
from septet_generation.application.drafting import Drafter
from septet_generation.handlers import DraftOnce, GroundedHandler, RevisionsHandler
from septet_generation.housekeeping import purge_forever
from septet_generation.settings import GenerationSettings

SPEC = ServiceSpec(
    "generation",
    consumes=("grounded", "revisions"),
    produces=("drafts", "tokens"),
    about="Drafts answers with any OpenAI-compatible model.",
    follows=("cancellations",),
)

_PURGE_EVERY = timedelta(hours=1)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Connect the handlers to the models, the templates and the database."""
    settings = GenerationSettings()
    catalogue = settings.catalogue(kit.settings)
    templates = Templates.load(settings.prompts_dir)
    async with (
        # A crash of PostgreSQL may lose the latest drafts. A redelivered event then calls the model again.
        kit.open_pool(SCHEMA, migrations.HEAD, wait_for_disk=False) as pool,
        aclosing(OpenAIChat(settings.connect_timeout.total_seconds())) as chat,
    ):
        epochs = PostgresEpochs(pool)
        drafter = Drafter(
            catalogue,
            chat,
            templates.render,
            epochs,
            kit.publisher.send_soon,
            margin=settings.margin,
            stream_interval=settings.stream_interval,
            capture_content=kit.settings.capture_content,
        )
        cancellations = Cancellations()
        follower = CancellationFollower(kit.settings.kafka(), kit.tenants, cancellations.cancel)
        draft_once = DraftOnce(drafter, Ledger(pool, kit.instance), cancellations)
        yield Wiring(
            stages=[
                Stage("grounded", GroundedHandler(draft_once), settings.budget, settings.concurrency),
                Stage("revisions", RevisionsHandler(draft_once), settings.budget, settings.concurrency),
            ],
            background=[
                lambda: purge_forever(epochs, settings.keep_epochs, _PURGE_EVERY),
                follower.run,
            ],
        )
