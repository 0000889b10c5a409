"""Feedback's one wiring point."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from septet_kit import Kit, ServiceSpec, Stage, Wiring

from septet_feedback import migrations
from septet_feedback.adapters.postgres import SCHEMA
from septet_feedback.handlers import Handlers
from septet_feedback.settings import FeedbackSettings
from septet_feedback.tidy import tidy_forever

SPEC = ServiceSpec(
    "feedback",
    consumes=("releases", "feedback"),
    produces=("labels",),
    outbox=("labels",),
    about="Joins feedback to what was shown, and labels it.",
)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Put feedback's parts together.

    Neither topic has deadlines, and nothing may be lost while the database is away: hence no limit of tries.
    """
    settings = FeedbackSettings()
    async with kit.open_pool(SCHEMA, migrations.HEAD) as pool:
        handlers = Handlers(pool)
        yield Wiring(
            stages=[
                Stage("releases", handlers.release, concurrency=settings.concurrency, attempts=None),
                Stage("feedback", handlers.feedback, concurrency=settings.concurrency, attempts=None),
            ],
            background=[partial(tidy_forever, pool, settings)],
        )
