"""Handler of the topic ``responses``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from septet_contracts import Response, decode, encode, topic
from septet_kit import Context, Emit
from septet_kit.store.pool import StorePool
from septet_kit.store.unit import once

from septet_judge import telemetry
from septet_judge.application.judging import ResponseJudge
from septet_judge.domain.evaluation import evaluation_of
from septet_judge.domain.selection import Selection, Skipped
from septet_judge.ports import Ledger

CONSUMER = "judge.responses"
# The ledger renews the lease while the model works. When a process dies, another one waits this long at most.
_LEASE = timedelta(seconds=6)
_NO_VERDICT = b""


@dataclass(frozen=True)
class ResponsesHandler:
    """Judges a response of the sample and publishes one evaluation.

    A redelivery finds the paid judgment in the ledger, and the published event in the inbox: it neither calls the model
    nor publishes again.
    """

    selection: Selection
    judge: ResponseJudge
    ledger: Ledger
    pool: StorePool
    evaluator: str
    max_age: timedelta

    async def __call__(self, event: Response, ctx: Context) -> Sequence[Emit]:
        """Handle one record of ``responses``."""
        if (reason := self.selection.refuse(event)) is not None:
            telemetry.count_skipped(reason)
            return []

        async def work() -> bytes:
            # Stored judgments of older records are still published.
            if datetime.now(UTC) - ctx.timestamp > self.max_age:
                raise Skipped("late")
            judgments = await self.judge.judge(event)
            if not judgments:
                return _NO_VERDICT
            return encode(evaluation_of(event, self.evaluator, judgments, datetime.now(UTC)))

        try:
            stored, _ = await self.ledger.run(_key(event), work, _LEASE, tenant=event.tenant)
        except Skipped as skipped:
            telemetry.count_skipped(skipped.reason)
            return []
        return [] if stored == _NO_VERDICT else await self._publish(event, stored)

    async def _publish(self, event: Response, stored: bytes) -> Sequence[Emit]:
        evaluation = decode(topic("evaluations"), stored)
        async with once(self.pool, event.event_id, CONSUMER, tenant=event.tenant) as unit:
            if unit.first:
                await unit.emit(Emit("evaluations", evaluation))
                telemetry.report(evaluation)
        return unit.emits


def _key(event: Response) -> str:
    return f"{event.tenant}/{event.request_id}/{event.event_id}"
