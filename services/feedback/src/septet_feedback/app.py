"""The one wiring point of feedback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from septet_kit import Kit, ServiceSpec, Stage, Wiring

from septet_feedback import migrations
from septet_feedback.adapters.postgres import SCHEMA
from septet_feedback.handlers import FeedbackHandler, ReleasesHandler
from septet_feedback.housekeeping import Purger
from septet_feedback.settings import FeedbackSettings

SPEC = ServiceSpec(
    "feedback",
    consumes=("releases", "feedback"),
    produces=("labels",),
    outbox=("labels",),
    about="Joins feedback to the answers that were shown, and labels them.",
)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Wire the service.

    Records of both topics have no deadline, and an outage of the database must lose none of them. So both stages retry
    without limit.
    """
    settings = FeedbackSettings()
    async with kit.open_pool(SCHEMA, migrations.HEAD) as pool:
        yield Wiring(
            stages=[
                Stage("releases", ReleasesHandler(pool), concurrency=settings.concurrency, attempts=None),
                Stage("feedback", FeedbackHandler(pool), concurrency=settings.concurrency, attempts=None),
            ],
            background=[Purger(pool, settings).run],
        )
