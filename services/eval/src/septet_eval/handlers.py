"""Register requests, score and release outcomes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from septet_contracts import Outcome, Request, request_digest
from septet_kit import Context, Emit, deadline_of

from septet_eval import telemetry
from septet_eval.domain.admission import Floors
from septet_eval.domain.response import Pending, ReleaseContext, conflict, respond
from septet_eval.evaluator import Evaluator
from septet_eval.ports import Ledger

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Handlers:
    """The two stages of eval, with their collaborators."""

    def __init__(self, ledger: Ledger, evaluator: Evaluator, floors: Floors) -> None:
        self._ledger = ledger
        self._evaluator = evaluator
        self._floors = floors

    async def register(self, request: Request, ctx: Context) -> Sequence[Emit]:
        """From here on the request is certain to get a response: its outcome's, or ``expired``."""
        pending = Pending(
            tenant=request.tenant, request_id=request.request_id, conversation_id=request.conversation_id,
            digest=request_digest(ctx.value), deadline=deadline_of(request, ctx),
            accepted_at=ctx.timestamp, traceparent=_traceparent(ctx),
        )  # fmt: skip
        result = await self._ledger.register(pending, lambda: conflict(pending, _release_context(ctx)))
        return result.emits

    async def release(self, outcome: Outcome, ctx: Context) -> Sequence[Emit]:
        """Score an outcome and make it the response, if it is the request's first."""
        card = await self._evaluator.evaluate(outcome)
        telemetry.report(card, outcome)
        at = _release_context(ctx)
        publication = respond(outcome, tuple(card.scores), card.degraded, self._floors, at)
        pending = Pending(
            tenant=outcome.tenant, request_id=outcome.request_id, conversation_id=outcome.conversation_id,
            digest=outcome.request_digest, deadline=outcome.deadline, accepted_at=outcome.accepted_at,
            traceparent=_traceparent(ctx),
        )  # fmt: skip
        result = await self._ledger.release(pending, publication, lambda: conflict(pending, at))
        if result.released:
            telemetry.released(publication.response, outcome.accepted_at)
        else:
            telemetry.discarded(outcome)
        return result.emits


def _release_context(ctx: Context) -> ReleaseContext:
    return ReleaseContext(at=datetime.now(UTC), timing=ctx.timing("eval"), trace_id=ctx.trace_id)


def _traceparent(ctx: Context) -> str | None:
    """The record's trace context; a client's header that is none must not keep its request from being registered."""
    found = ctx.traceparent
    return found if found is not None and _TRACEPARENT.fullmatch(found) else None
