"""The response: what a client reads, assembled from an outcome and its scores."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from septet_contracts import (
    ErrorInfo,
    Outcome,
    Passage,
    Response,
    Score,
    Source,
    StageTiming,
    event_id,
)

from septet_eval.domain.admission import Floors, admission
from septet_eval.domain.text import citations


@dataclass(frozen=True)
class Release:
    """When, and in which trace, a response is let go."""

    at: datetime
    timing: StageTiming
    trace_id: str | None = None


@dataclass(frozen=True)
class Pending:
    """A request that has been accepted and has no response yet."""

    tenant: str
    request_id: str
    conversation_id: str | None
    digest: str
    deadline: datetime
    accepted_at: datetime
    traceparent: str | None = None


def respond(
    outcome: Outcome, scores: tuple[Score, ...], degraded: tuple[str, ...], floors: Floors, release: Release
) -> Response:
    """The one response of an outcome."""
    admissible, reason = admission(outcome, scores, floors)
    return Response(
        event_id=event_id(outcome.tenant, outcome.request_id, Response.STEP),
        causation_id=outcome.event_id,
        request_id=outcome.request_id, tenant=outcome.tenant, conversation_id=outcome.conversation_id,
        occurred_at=release.at, deadline=outcome.deadline, status=outcome.status, question=outcome.ask.query,
        answer=outcome.answer, answer_json=parsed(outcome), answer_kind=outcome.answer_kind,
        sources=sources(outcome.answer, outcome.passages), verdicts=outcome.verdicts, scores=scores,
        cache=outcome.cache, answerability=outcome.answerability, usage=outcome.usage,
        timings=(*outcome.timings, release.timing), total_ms=milliseconds(outcome.accepted_at, release.at),
        degraded=tuple(dict.fromkeys((*outcome.degraded, *degraded))), language=outcome.language,
        policy=outcome.ask.policy, policy_version=outcome.policy_version, model=outcome.model,
        prompt_version=outcome.prompt_version, cache_key=outcome.ask.cache.key, admissible=admissible,
        admission_reason=reason, question_embedding=outcome.question_embedding,
        request_digest=outcome.request_digest, trace_id=release.trace_id, error=outcome.error,
    )  # fmt: skip


def expired(pending: Pending, release: Release) -> Response:
    """The response of a request whose deadline passed in silence."""
    error = ErrorInfo(
        code="deadline_exceeded", message="no answer was ready by the deadline", field="deadline", stage="eval",
        fix="ask again with a new request_id and a later deadline",
    )  # fmt: skip
    return _bare(
        pending, release, "expired", error, event_id(pending.tenant, pending.request_id, Response.STEP)
    )


def conflict(pending: Pending, release: Release) -> Response:
    """The response to a second body under a request id that is taken; the first body's answer stands."""
    error = ErrorInfo(
        code="conflict", message="this request_id was already used with another body", field="request_id",
        fix="send the new body under a new request_id", stage="eval",
    )  # fmt: skip
    name = event_id(pending.tenant, pending.request_id, "conflict", pending.digest)
    return _bare(pending, release, "failed", error, name)


def _bare(pending: Pending, release: Release, status: Any, error: ErrorInfo, name: UUID) -> Response:
    return Response(
        event_id=name, request_id=pending.request_id, tenant=pending.tenant,
        conversation_id=pending.conversation_id, occurred_at=release.at, deadline=pending.deadline, status=status,
        error=error, timings=(release.timing,), total_ms=milliseconds(pending.accepted_at, release.at),
        request_digest=pending.digest, admission_reason=f"the status is {status}", trace_id=release.trace_id,
    )  # fmt: skip


def sources(answer: str | None, passages: tuple[Passage, ...]) -> tuple[Source, ...]:
    """The passages, numbered as ``[n]`` in the answer points at them."""
    cited = citations(answer or "")
    return tuple(
        Source(
            number=n, passage_id=p.passage_id, document_id=p.document_id, content_hash=p.content_hash,
            title=p.title, location=p.location, uri=p.uri, passage=p.text, cited=n in cited, score=p.score,
        )
        for n, p in enumerate(passages, start=1)
    )  # fmt: skip


def parsed(outcome: Outcome) -> Any:
    """The answer as JSON when the request has an ``output_schema``; None when it is not JSON after all."""
    if outcome.ask.output_schema is None or outcome.status != "answered" or not outcome.answer:
        return None
    try:
        return json.loads(outcome.answer)
    except (json.JSONDecodeError, RecursionError):
        return None


def milliseconds(start: datetime, end: datetime) -> float:
    """Elapsed milliseconds, never negative: the start is another machine's clock."""
    return round(max(0.0, (end - start).total_seconds() * 1000), 3)
