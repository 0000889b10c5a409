"""Background task: shows what is spent of the day's budget, and deletes old days."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from septet_kit import Transient
from septet_kit.observe.logs import get_logger

from septet_judge import telemetry
from septet_judge.adapters.postgres import PostgresBudget

_KEEP = timedelta(days=400)
_EVERY_S = 30.0
log = get_logger()


async def watch_budget(budget: PostgresBudget) -> None:
    """Run until cancelled. A failed round is logged, and the next one follows."""
    while True:
        try:
            telemetry.show_spent(await budget.today())
            await budget.purge(_KEEP)
        except Transient as error:
            log.warning("round failed, retrying", task="budget", error=error.message)
        await asyncio.sleep(_EVERY_S)
