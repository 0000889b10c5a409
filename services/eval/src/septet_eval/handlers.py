"""Handlers of requests, outcomes and cancellations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from septet_contracts import Cancellation, Outcome, Request, request_digest
from septet_kit import Context, Emit, deadline_of

from septet_eval import telemetry
from septet_eval.application.evaluator import Evaluator
from septet_eval.domain.admission import Floors
from septet_eval.domain.response import Pending, Publication, ReleaseContext, cancelled, conflict, respond
from septet_eval.ports import RequestRegistry, Substitutes

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class RequestsHandler:
    """Registers each request, which guarantees its response: that of an outcome, or ``expired``."""

    def __init__(self, registry: RequestRegistry) -> None:
        self._registry = registry

    async def __call__(self, request: Request, ctx: Context) -> Sequence[Emit]:
        pending = Pending(
            tenant=request.tenant,
            request_id=request.request_id,
            conversation_id=request.conversation_id,
            digest=request_digest(ctx.value),
            deadline=deadline_of(request, ctx),
            accepted_at=ctx.timestamp,
            traceparent=_traceparent(ctx),
            evaluation=request.evaluation,
        )
        result = await self._registry.register(pending, _substitutes(pending, ctx))
        if result.response is not None:
            telemetry.released(result.response, pending.accepted_at)
        return result.emits


class OutcomesHandler:
    """Scores an outcome and releases it as the response, if it is the first outcome of its request."""

    def __init__(self, registry: RequestRegistry, evaluator: Evaluator, floors: Floors) -> None:
        self._registry = registry
        self._evaluator = evaluator
        self._floors = floors

    async def __call__(self, outcome: Outcome, ctx: Context) -> Sequence[Emit]:
        card = await self._evaluator.evaluate(outcome)
        telemetry.report(card, outcome)
        at = _release_context(ctx)
        publication = respond(outcome, tuple(card.scores), card.degraded, self._floors, at)
        pending = Pending(
            tenant=outcome.tenant,
            request_id=outcome.request_id,
            conversation_id=outcome.conversation_id,
            digest=outcome.request_digest,
            deadline=outcome.deadline,
            accepted_at=outcome.accepted_at,
            traceparent=_traceparent(ctx),
            evaluation=outcome.ask.evaluation,
        )
        result = await self._registry.release(pending, publication, _substitutes(pending, ctx))
        if result.response is not None:
            telemetry.released(result.response, outcome.accepted_at)
        if result.response is not publication.response:
            telemetry.discarded(outcome)
        return result.emits


class CancellationsHandler:
    """Releases a pending request as ``cancelled``. A request that has its response, or another tenant's, is unaffected.

    A cancellation may overtake its request, which is on another topic. The request is then released as ``cancelled``
    when its record arrives.
    """

    def __init__(self, registry: RequestRegistry) -> None:
        self._registry = registry

    async def __call__(self, cancellation: Cancellation, ctx: Context) -> Sequence[Emit]:
        @contextmanager
        def cancelling(pending: Pending) -> Iterator[Publication]:
            with telemetry.request_span("cancel", pending) as trace_id:
                at = ReleaseContext(at=datetime.now(UTC), timing=ctx.timing("eval"), trace_id=trace_id)
                yield cancelled(pending, at)

        result = await self._registry.cancel(cancellation.tenant, cancellation.request_id, cancelling)
        telemetry.cancelled(result)
        return result.emits


def _substitutes(pending: Pending, ctx: Context) -> Substitutes:
    return Substitutes(
        conflict=lambda: conflict(pending, _release_context(ctx)),
        cancelled=lambda: cancelled(pending, _release_context(ctx)),
    )


def _release_context(ctx: Context) -> ReleaseContext:
    return ReleaseContext(at=datetime.now(UTC), timing=ctx.timing("eval"), trace_id=ctx.trace_id)


def _traceparent(ctx: Context) -> str | None:
    """The record's trace context. An invalid header from a client is dropped, so that the request is registered."""
    found = ctx.traceparent
    return found if found is not None and _TRACEPARENT.fullmatch(found) else None
