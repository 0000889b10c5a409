"""What feedback does with each event."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from uuid import UUID

from opentelemetry import trace
from opentelemetry.trace import SpanContext
from septet_contracts import FeedbackEvent, Release
from septet_kit import Context, Emit
from septet_kit.store import Unit, once
from septet_kit.store.pool import StorePool

from septet_feedback.adapters.postgres import Memory, Waiting, lock_of
from septet_feedback.domain.labels import cause_of, label, label_key
from septet_feedback.domain.shown import Shown, shown_from
from septet_feedback.telemetry import (
    current_traceparent,
    feedback_span,
    labelled,
    remote_span,
)

CONSUMER = "feedback"


class Handlers:
    """Released responses are stored; feedback is joined to them, in whichever order they come."""

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    async def release(self, event: Release, ctx: Context) -> Sequence[Emit]:
        """Store what was shown, and label the feedback that waited for it."""
        shown = shown_from(event, ctx.traceparent)
        async with self._once(event.cause, event) as unit:
            if unit.first:
                for waiting in await Memory(unit.connection).remember(shown):
                    await _label(unit, waiting.feedback, shown, remote_span(waiting.traceparent))
        return unit.emits

    async def feedback(self, event: FeedbackEvent, ctx: Context) -> Sequence[Emit]:
        """Label the answer, or wait for it. A copy (same ``feedback_id``) changes nothing."""
        async with self._once(cause_of(event), event) as unit:
            if unit.first:
                memory = Memory(unit.connection)
                shown = await memory.find(event.tenant, event.request_id)
                if shown is None:
                    await memory.park(Waiting(event, current_traceparent()))
                else:
                    await _label(unit, event, shown, trace.get_current_span().get_span_context())
        return unit.emits

    def _once(self, cause: UUID, event: Release | FeedbackEvent) -> AbstractAsyncContextManager[Unit]:
        lock = lock_of(event.tenant, event.request_id)
        return once(self._pool, cause, CONSUMER, tenant=event.tenant, lock=lock)


async def _label(unit: Unit, feedback: FeedbackEvent, shown: Shown, came_with: SpanContext | None) -> None:
    """Emit the label inside the original request's trace."""
    with feedback_span(feedback, shown, came_with):
        made = label(feedback, shown, datetime.now(UTC))
        await unit.emit(Emit("labels", made, label_key(made)))
    labelled.labels(made.kind, made.polarity).inc()
