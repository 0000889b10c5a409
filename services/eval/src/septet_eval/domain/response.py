"""The response and its release event, assembled from an outcome and its scores."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from septet_contracts import (
    Embedding,
    ErrorInfo,
    EvaluationSample,
    Outcome,
    Release,
    Response,
    Score,
    StageTiming,
    event_id,
)

from septet_eval.domain.admission import Floors, admission
from septet_eval.domain.sources import sources


@dataclass(frozen=True)
class ReleaseContext:
    """Time, stage timing and trace of a release."""

    at: datetime
    timing: StageTiming
    trace_id: str | None = None


@dataclass(frozen=True)
class Publication:
    """One response with its release event.

    Attributes:
        response: the response in the newest major version.
        first_id: event id of the response in version 1, from which the ids in newer versions are derived.
        release: the event that the cache and feedback read.
        sealed_answer: the answer with the user's own values, encrypted; ``response`` and ``release`` have placeholders.
        question_vector: the question's embedding, even if the cache may not keep the answer.
        is_conflict: whether this is a ``conflict`` response, whose release event is not published.
    """

    response: Response
    release: Release
    first_id: UUID
    sealed_answer: str | None = None
    question_vector: Embedding | None = None
    is_conflict: bool = False


@dataclass(frozen=True)
class Pending:
    """A request without a response."""

    tenant: str
    request_id: str
    conversation_id: str | None
    digest: str
    deadline: datetime
    accepted_at: datetime
    traceparent: str | None = None
    evaluation: EvaluationSample | None = None


def respond(
    outcome: Outcome,
    scores: tuple[Score, ...],
    degraded: tuple[str, ...],
    floors: Floors,
    context: ReleaseContext,
) -> Publication:
    """The response of an outcome, and its release event."""
    first_id = event_id(outcome.tenant, outcome.request_id, Response.STEP)
    carried: dict[str, Any] = {name: getattr(outcome, name) for name in _CARRIED}
    response = Response(
        **carried,
        event_id=newest_id(first_id),
        causation_id=outcome.event_id,
        occurred_at=context.at,
        question=outcome.ask.query,
        answer_json=parsed(outcome),
        sources=sources(outcome),
        scores=scores,
        timings=(*outcome.timings, context.timing),
        total_ms=milliseconds(outcome.accepted_at, context.at),
        degraded=tuple(dict.fromkeys((*outcome.degraded, *degraded))),
        policy=outcome.ask.policy,
        trace_id=context.trace_id,
        evaluation=outcome.ask.evaluation,
    )
    admissible, reason = admission(outcome, scores, floors)
    vector = outcome.embedding
    release = release_of(
        response,
        outcome.request_digest,
        admissible=admissible,
        admission_reason=reason,
        cache_key=outcome.ask.cache.key,
        question_vector=vector if admissible else None,
    )
    return Publication(response, release, first_id, outcome.sealed_answer, vector)


def newest_id(first_id: UUID) -> UUID:
    """Event id of a response in the newest major version, which differs from its id in version 1."""
    return uuid5(first_id, f"v{Response.model_fields['version'].default}")


def release_of(response: Response, digest: str, *, admissible: bool = False, **fields: Any) -> Release:
    """The release event of a response; ``fields`` are those that the response does not have."""
    shared = {name: getattr(response, name) for name in _SHARED}
    if not admissible:
        shared["sources"] = tuple(s.model_copy(update={"passage": ""}) for s in response.sources)
    return Release(
        **shared,
        event_id=event_id(response.tenant, response.request_id, Release.STEP),
        response_event_id=response.event_id,
        request_digest=digest,
        admissible=admissible,
        **fields,
    )


def expired(pending: Pending, context: ReleaseContext) -> Publication:
    """The response of a request whose deadline passed without an outcome."""
    error = ErrorInfo(
        code="deadline_exceeded",
        message="no answer was ready by the deadline",
        field="deadline",
        stage="eval",
        fix="ask again with a new request_id and a later deadline",
    )
    first_id = event_id(pending.tenant, pending.request_id, Response.STEP)
    return _without_answer(pending, context, "expired", error, first_id)


def cancelled(pending: Pending, context: ReleaseContext) -> Publication:
    """The response of a request that its client has cancelled."""
    error = ErrorInfo(
        code="cancelled",
        message="the request was cancelled",
        stage="eval",
        fix="ask again with a new request_id",
    )
    first_id = event_id(pending.tenant, pending.request_id, Response.STEP)
    return _without_answer(pending, context, "cancelled", error, first_id)


def conflict(pending: Pending, context: ReleaseContext) -> Publication:
    """The response to a second body under an existing request id. It does not affect the first body's response."""
    error = ErrorInfo(
        code="conflict",
        message="this request_id was already used with another body",
        field="request_id",
        fix="send the new body under a new request_id",
        stage="eval",
    )
    first_id = event_id(pending.tenant, pending.request_id, "conflict", pending.digest)
    return replace(_without_answer(pending, context, "failed", error, first_id), is_conflict=True)


def _without_answer(
    pending: Pending, context: ReleaseContext, status: str, error: ErrorInfo, first_id: UUID
) -> Publication:
    response = Response(
        event_id=newest_id(first_id),
        request_id=pending.request_id,
        tenant=pending.tenant,
        conversation_id=pending.conversation_id,
        occurred_at=context.at,
        deadline=pending.deadline,
        status=status,
        error=error,
        timings=(context.timing,),
        total_ms=milliseconds(pending.accepted_at, context.at),
        trace_id=context.trace_id,
        evaluation=pending.evaluation,
    )
    release = release_of(response, pending.digest, admission_reason=f"the status is {status}")
    return Publication(response, release, first_id)


def parsed(outcome: Outcome) -> Any:
    """The answer as JSON if the request has an ``output_schema``; None if the answer is not JSON."""
    if outcome.ask.output_schema is None or outcome.status != "answered" or not outcome.answer:
        return None
    try:
        return json.loads(outcome.answer)
    except (json.JSONDecodeError, RecursionError):
        return None


def milliseconds(start: datetime, end: datetime) -> float:
    """Elapsed milliseconds. They are never negative, although the start is another machine's clock."""

    return round(max(0.0, (end - start).total_seconds() * 1000), 3)


_OWN = frozenset({"contract", "version", "event_id"})
_SHARED = tuple(name for name in Release.model_fields if name in Response.model_fields and name not in _OWN)
_COMPUTED = _OWN | {"occurred_at", "causation_id", "timings", "degraded"}
_CARRIED = tuple(
    name for name in Response.model_fields if name in Outcome.model_fields and name not in _COMPUTED
)
