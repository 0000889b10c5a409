"""What a person was shown when they gave feedback."""

from __future__ import annotations

from dataclasses import dataclass

from septet_contracts import Release


@dataclass(frozen=True)
class Shown:
    """A released response, as far as feedback needs it.

    ``traceparent`` (W3C) is the context of the release's record, under which feedback is traced.
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


def shown_from(release: Release, traceparent: str | None) -> Shown:
    """What to store of a released response; its sources' documents in the order shown, each once."""
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
    )
