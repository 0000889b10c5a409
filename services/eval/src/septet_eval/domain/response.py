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
    Outcome,
    Passage,
    Release,
    Response,
    Score,
    Source,
    StageTiming,
    event_id,
)

from septet_eval.domain.admission import Floors, admission
from septet_eval.domain.spans import cited_spans
from septet_eval.domain.text import citations


@dataclass(frozen=True)
class ReleaseContext:
    """When, and in which trace, a response is released."""

    at: datetime
    timing: StageTiming
    trace_id: str | None = None


@dataclass(frozen=True)
class Publication:
    """One response, and what services need to know of it.

    Attributes:
        response: in the newest major version.
        first_id: event id of the response in version 1, from which the newer versions' follow.
        release: what the cache and feedback read.
        question_vector: the question's embedding, whether or not the answer may be kept.
        is_conflict: whether the response answers no question, so that its release event is not published.
    """

    response: Response
    release: Release
    first_id: UUID
    question_vector: Embedding | None = None
    is_conflict: bool = False


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
    outcome: Outcome,
    scores: tuple[Score, ...],
    degraded: tuple[str, ...],
    floors: Floors,
    context: ReleaseContext,
) -> Publication:
    """The one response of an outcome."""
    first_id = event_id(outcome.tenant, outcome.request_id, Response.STEP)
    response = Response(
        event_id=newest_id(first_id),
        causation_id=outcome.event_id,
        request_id=outcome.request_id, tenant=outcome.tenant, conversation_id=outcome.conversation_id,
        occurred_at=context.at, deadline=outcome.deadline, status=outcome.status, question=outcome.ask.query,
        answer=outcome.answer, answer_json=parsed(outcome), answer_kind=outcome.answer_kind,
        sources=sources(outcome), verdicts=outcome.verdicts, scores=scores,
        cache=outcome.cache, answerability=outcome.answerability, usage=outcome.usage,
        timings=(*outcome.timings, context.timing), total_ms=milliseconds(outcome.accepted_at, context.at),
        degraded=tuple(dict.fromkeys((*outcome.degraded, *degraded))), language=outcome.language,
        policy=outcome.ask.policy, policy_version=outcome.policy_version, model=outcome.model,
        prompt_version=outcome.prompt_version, trace_id=context.trace_id, error=outcome.error,
    )  # fmt: skip
    admissible, reason = admission(outcome, scores, floors)
    vector = outcome.embedding
    release = release_of(
        response, outcome.request_digest, admissible=admissible, admission_reason=reason,
        cache_key=outcome.ask.cache.key, question_vector=vector if admissible else None,
    )  # fmt: skip
    return Publication(response, release, first_id, vector)


def newest_id(first_id: UUID) -> UUID:
    """Event id of a response in the newest major version, which is another event than the same in version 1."""
    return uuid5(first_id, f"v{Response.model_fields['version'].default}")


def release_of(response: Response, digest: str, *, admissible: bool = False, **fields: Any) -> Release:
    """The release event of a response; ``fields`` are what the response does not hold."""
    shared = {name: getattr(response, name) for name in _SHARED}
    if not admissible:
        shared["sources"] = tuple(s.model_copy(update={"passage": ""}) for s in response.sources)
    return Release(
        **shared, event_id=event_id(response.tenant, response.request_id, Release.STEP),
        response_event_id=response.event_id, request_digest=digest, admissible=admissible, **fields,
    )  # fmt: skip


def expired(pending: Pending, context: ReleaseContext) -> Publication:
    """The response of a request whose deadline passed without an outcome."""
    error = ErrorInfo(
        code="deadline_exceeded", message="no answer was ready by the deadline", field="deadline", stage="eval",
        fix="ask again with a new request_id and a later deadline",
    )  # fmt: skip
    return _bare(
        pending, context, "expired", error, event_id(pending.tenant, pending.request_id, Response.STEP)
    )


def conflict(pending: Pending, context: ReleaseContext) -> Publication:
    """The response to a second body under a request id that exists; the first body's answer stands."""
    error = ErrorInfo(
        code="conflict", message="this request_id was already used with another body", field="request_id",
        fix="send the new body under a new request_id", stage="eval",
    )  # fmt: skip
    name = event_id(pending.tenant, pending.request_id, "conflict", pending.digest)
    return replace(_bare(pending, context, "failed", error, name), is_conflict=True)


def _bare(
    pending: Pending, context: ReleaseContext, status: str, error: ErrorInfo, first_id: UUID
) -> Publication:
    response = Response(
        event_id=newest_id(first_id), request_id=pending.request_id, tenant=pending.tenant,
        conversation_id=pending.conversation_id, occurred_at=context.at, deadline=pending.deadline, status=status,
        error=error, timings=(context.timing,), total_ms=milliseconds(pending.accepted_at, context.at),
        trace_id=context.trace_id,
    )  # fmt: skip
    release = release_of(response, pending.digest, admission_reason=f"the status is {status}")
    return Publication(response, release, first_id)


def sources(outcome: Outcome) -> tuple[Source, ...]:
    """The passages, numbered as ``[n]`` in the answer points at them, with what it cites of each."""
    cited = citations(outcome.answer or "")
    spans = cited_spans(outcome)
    return tuple(
        Source(
            number=n, passage_id=p.passage_id, document_id=p.document_id, content_hash=p.content_hash,
            title=p.title, location=p.location, uri=p.uri, passage=p.text, cited=n in cited, score=p.score,
            spans=spans.get(n, ()), **_place(p),
        )
        for n, p in enumerate(outcome.passages, start=1)
    )  # fmt: skip


def _place(passage: Passage) -> dict[str, int]:
    """The passage's place in its document; empty if its text is not what stands there."""
    if passage.end - passage.start != len(passage.text):
        return {}
    return {"start": passage.start, "end": passage.end}


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


_SHARED = tuple(
    name
    for name in Release.model_fields
    if name in Response.model_fields and name not in ("contract", "version", "event_id")
)
