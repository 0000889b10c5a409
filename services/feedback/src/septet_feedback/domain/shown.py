"""What a person was shown when they gave feedback."""

from __future__ import annotations

from dataclasses import dataclass

from septet_contracts import Response


@dataclass(frozen=True)
class Shown:
    """A released response, as far as feedback needs it.

    ``traceparent`` (W3C) is the context of the response's record, under which feedback is traced.
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


def is_conflict(response: Response) -> bool:
    """Whether this tells a client that its request id was taken, rather than answering the request."""
    return response.error is not None and response.error.code == "conflict"


def shown_from(response: Response, traceparent: str | None) -> Shown:
    """What to remember of a response; its sources' documents in the order shown, each once."""
    return Shown(
        tenant=response.tenant,
        request_id=response.request_id,
        conversation_id=response.conversation_id,
        response_event_id=str(response.event_id),
        question=response.question,
        answer=response.answer,
        document_ids=tuple(dict.fromkeys(s.document_id for s in response.sources)),
        cache_entry_id=response.cache.entry_id if response.cache else None,
        traceparent=traceparent,
        trace_id=response.trace_id,
    )
