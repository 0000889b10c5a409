"""Background task: drop feedback without an answer, and delete old answers."""

from __future__ import annotations

import asyncio

from septet_kit.errors import Transient
from septet_kit.observe import get_logger
from septet_kit.store.pool import StorePool

from septet_feedback.adapters.postgres import delete_answers, drop_unmatched, waiting_count
from septet_feedback.settings import FeedbackSettings
from septet_feedback.telemetry import unmatched, waiting

log = get_logger()


class Purger:
    """Drops feedback whose answer never arrived, and deletes answers after the retention time."""

    def __init__(self, pool: StorePool, settings: FeedbackSettings) -> None:
        self._pool = pool
        self._settings = settings

    async def run(self) -> None:
        """Purge until cancelled. An unavailable database fails the round and not the task."""
        while True:
            try:
                await self.purge()
            except Transient as error:
                log.warning("purge failed, retrying", error=error.message)
            await asyncio.sleep(self._settings.tidy_every.total_seconds())

    async def purge(self) -> None:
        """Run one round."""
        for dropped in await drop_unmatched(self._pool, self._settings.wait_for):
            unmatched.inc()
            log.warning(
                "feedback for an unknown request",
                tenant=dropped.tenant,
                request_id=dropped.request_id,
                feedback_id=dropped.feedback_id,
            )
        await delete_answers(self._pool, self._settings.remember_for)
        waiting.set(await waiting_count(self._pool))
