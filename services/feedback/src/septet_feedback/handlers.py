"""Handlers of releases and feedback. They join each feedback event to its answer, in either order of arrival."""

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

from septet_feedback.adapters.postgres import JoinTables, Waiting, lock_of
from septet_feedback.domain.labels import cause_of, label, label_key
from septet_feedback.domain.shown import Shown, shown_from
from septet_feedback.telemetry import (
    current_traceparent,
    feedback_span,
    ignored,
    labelled,
    remote_span,
)

CONSUMER = "feedback"


class ReleasesHandler:
    """Stores each released answer, and labels it with the feedback that arrived before it."""

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    async def __call__(self, event: Release, ctx: Context) -> Sequence[Emit]:
        shown = shown_from(event, ctx.traceparent)
        async with _once(self._pool, event.cause, event) as unit:
            if unit.first:
                for waiting in await JoinTables(unit.connection).store(shown):
                    await _label(unit, waiting.feedback, shown, remote_span(waiting.traceparent))
        return unit.emits


class FeedbackHandler:
    """Labels the answer of a feedback event, or stores the event until the answer arrives.

    A copy of an event, which has the same ``feedback_id``, changes nothing.
    """

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    async def __call__(self, event: FeedbackEvent, ctx: Context) -> Sequence[Emit]:
        async with _once(self._pool, cause_of(event), event) as unit:
            if unit.first:
                tables = JoinTables(unit.connection)
                shown = await tables.find(event.tenant, event.request_id)
                if shown is None:
                    await tables.wait(Waiting(event, current_traceparent()))
                else:
                    await _label(unit, event, shown, trace.get_current_span().get_span_context())
        return unit.emits


def _once(pool: StorePool, cause: UUID, event: Release | FeedbackEvent) -> AbstractAsyncContextManager[Unit]:
    """A transaction that handles ``cause`` once, under the lock of its request."""
    lock = lock_of(event.tenant, event.request_id)
    return once(pool, cause, CONSUMER, tenant=event.tenant, lock=lock)


async def _label(unit: Unit, feedback: FeedbackEvent, shown: Shown, came_with: SpanContext | None) -> None:
    """Emit the label in the trace of the original request; none if the request belongs to an evaluation run."""
    if shown.evaluation:
        ignored.inc()
        return
    with feedback_span(feedback, shown, came_with):
        made = label(feedback, shown, datetime.now(UTC))
        await unit.emit(Emit("labels", made, label_key(made)))
    labelled.labels(made.kind, made.polarity).inc()
