"""Rewrites a logged event for a replay: ids of its own, the same tenant, marked as evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid5

from opentelemetry import trace
from septet_contracts import Ask, EvaluationSample, Request, Response, encode, event_id, record_key
from septet_contracts.flow import Flow
from septet_experiments.cases import Case, Origin
from septet_kit.observe.tracing import carry, derived_context
from septet_kit.record import event_headers

from septet_cli.replay.candidate import Candidate
from septet_cli.replay.logged import LoggedRequest

_NAMESPACE = UUID("6b1d6f1e-5e0f-5c1a-9c55-7e57e7000017")
_MAX_CASE_ID = 96
_EXPECTED: Mapping[str, Literal["answer", "abstain", "refuse"]] = {
    "answered": "answer",
    "abstained": "abstain",
    "refused": "refuse",
    "blocked": "refuse",
}


@dataclass(frozen=True)
class ReplayedRequest:
    """A request of a replay, ready to be published.

    Attributes:
        case: what the runs are paired by.
        logged: what the client received.
        event: the rewritten event.
    """

    case: Case
    logged: Response
    event: Flow | Request

    @property
    def key(self) -> tuple[str, str]:
        """Tenant and request id of the replay."""
        return self.event.tenant, self.event.request_id

    @property
    def record_key(self) -> bytes:
        return record_key(self.event.tenant, self.event.request_id, self.event.conversation_id)

    @property
    def value(self) -> bytes:
        return encode(self.event)

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The event's headers, with the trace that services derive from the request."""
        found = getattr(self.event, "event_id", None)
        root = trace.NonRecordingSpan(derived_context(*self.key))
        return [*event_headers(str(found) if found else None), *carry(trace.set_span_in_context(root))]


def request_id_of(replay: str, tenant: str, request_id: str) -> str:
    """The id of a request in a replay. It is the same in a repeated replay of the same id."""
    return f"{replay}-{uuid5(_NAMESPACE, f'{replay}/{tenant}/{request_id}')}"


def rewritten(
    logged: LoggedRequest, replay: str, candidate: Candidate, now: datetime, deadline: timedelta
) -> ReplayedRequest:
    """The request of a replay.

    Args:
        logged: the request as logged.
        replay: the replay's id.
        candidate: the change.
        now: time of the replay.
        deadline: time until the response is due.
    """
    event, case = logged.event, case_of(logged)
    request_id = request_id_of(replay, event.tenant, event.request_id)
    fields: dict[str, Any] = {"request_id": request_id, "deadline": now + deadline, "occurred_at": now}
    sample = EvaluationSample(run=replay, case=case.id)
    if isinstance(event, Request):
        request = candidate.rewrite(event).model_copy(update={**fields, "evaluation": sample})
        return ReplayedRequest(case, logged.response, request)
    asked = candidate.rewrite(event.ask).model_copy(update={"evaluation": sample})
    fields |= {
        "event_id": event_id(event.tenant, request_id, event.STEP),
        "causation_id": None,
        "accepted_at": now,
        "ask": asked,
    }
    # Masked values are sealed for the logged request. The replay keeps the placeholders.
    fields |= {"sealed": None} if "sealed" in type(event).model_fields else {}
    return ReplayedRequest(case, logged.response, event.model_copy(update=fields))


def case_of(logged: LoggedRequest) -> Case:
    """The case of a logged request. The question is the answered one, with personal data masked.

    The candidate is expected to answer, abstain or refuse as the logged response did, and to find the documents that the
    logged answer cites.
    """
    response, event = logged.response, logged.event
    ask: Ask = event if isinstance(event, Request) else event.ask
    cited = [source.document_id for source in response.sources if source.cited]
    name = f"{event.tenant}/{event.request_id}"
    references = (ask.reference,) if isinstance(ask.reference, str) else ask.reference or ()
    slices = {
        "tenant": event.tenant,
        "language": response.language,
        "status": response.status,
        "policy": response.policy or ask.policy,
        "document": cited[0] if cited else None,
    }
    return Case(
        id=name if len(name) <= _MAX_CASE_ID else str(uuid5(_NAMESPACE, name)),
        question=response.question or ask.query,
        expected=_EXPECTED.get(response.status),
        references=references,
        relevant=dict.fromkeys(cited, 1),
        conversation=event.conversation_id,
        document=cited[0] if cited else None,
        slices={name: value for name, value in slices.items() if value},
        origin=Origin(kind="traffic", request_id=event.request_id, trace_id=response.trace_id),
    )
