"""Gives up on feedback that waited too long, and forgets answers that are too old."""

from __future__ import annotations

import asyncio

from septet_kit.errors import Transient
from septet_kit.observe import get_logger
from septet_kit.store.pool import StorePool

from septet_feedback.adapters.postgres import expire, forget, waiting_count
from septet_feedback.settings import FeedbackSettings
from septet_feedback.telemetry import unmatched, waiting

log = get_logger()


async def tidy(pool: StorePool, settings: FeedbackSettings) -> None:
    """One round."""
    for lost in await expire(pool, settings.wait_for):
        unmatched.inc()
        log.warning(
            "feedback for an unknown request", tenant=lost.tenant, request_id=lost.request_id,
            feedback_id=lost.feedback_id,
        )  # fmt: skip
    await forget(pool, settings.remember_for)
    waiting.set(await waiting_count(pool))


async def tidy_forever(pool: StorePool, settings: FeedbackSettings) -> None:
    """Background task: a round now and then; a lost database is waited for."""
    while True:
        try:
            await tidy(pool, settings)
        except Transient as error:
            log.warning("tidying failed, trying again", error=error.message)
        await asyncio.sleep(settings.tidy_every.total_seconds())
