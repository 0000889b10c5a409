"""The answer that a user was shown."""

from __future__ import annotations

from dataclasses import dataclass

from septet_contracts import Release


@dataclass(frozen=True)
class Shown:
    """The part of a released response that feedback needs.

    ``traceparent`` (W3C) is the context of the release event's record, the parent of feedback spans. Feedback on the
    answer to an ``evaluation`` run gets no label.
    """

    tenant: str
    request_id: str
    conversation_id: str | None
    response_event_id: str
    question: str | None
    answer: str | None
    document_ids: tuple[str, ...]
    cache_entry_id: str | None
    traceparent: str | None
    trace_id: str | None
    evaluation: bool = False


def shown_from(release: Release, traceparent: str | None) -> Shown:
    """The stored part of a released response, with the documents of its sources in order and without duplicates."""

    return Shown(
        tenant=release.tenant,
        request_id=release.request_id,
        conversation_id=release.conversation_id,
        response_event_id=str(release.response_event_id),
        question=release.question,
        answer=release.answer,
        document_ids=tuple(dict.fromkeys(s.document_id for s in release.sources)),
        cache_entry_id=release.cache.entry_id if release.cache else None,
        traceparent=traceparent,
        trace_id=release.trace_id,
        evaluation=release.evaluation is not None,
    )
