"""Making the events that a step hands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any, TypeVar

from pydantic import BaseModel
from septet_contracts import (
    DEFAULT_DEADLINE as DEFAULT_DEADLINE,
)
from septet_contracts import (
    Ask,
    ErrorInfo,
    Flow,
    Identified,
    Outcome,
    Request,
    encode,
    event_id,
    record_key,
    request_digest,
)

from septet_kit.context import Context
from septet_kit.errors import SeptetError
from septet_kit.record import Record, event_headers
from septet_kit.tenants import Tenants

T = TypeVar("T", bound=Flow)

MAX_DEADLINE = timedelta(hours=1)


def deadline_of(request: Request, ctx: Context) -> datetime:
    """When the response to a request is due.

    It is the request's own deadline, or :data:`DEFAULT_DEADLINE` after the record's timestamp, and at most
    :data:`MAX_DEADLINE` after it. All services use this function: a service with another default would expire requests
    that others still work on.
    """
    return min(request.deadline or ctx.timestamp + DEFAULT_DEADLINE, ctx.timestamp + MAX_DEADLINE)


@dataclass(frozen=True)
class Emit:
    """An event to publish.

    Attributes:
        key: defaults to the tenant and the conversation (or the request).
        sealed: a sealed text that becomes part of the record, but not of the outbox row.
    """

    topic: str
    event: BaseModel
    key: bytes | None = None
    sealed: str | None = None

    @property
    def record_key(self) -> bytes | None:
        if self.key is not None or not isinstance(self.event, Identified):
            return self.key
        return record_key(self.event.tenant, self.event.request_id, self.event.conversation_id)

    @property
    def tenant(self) -> str | None:
        """Whose the event is; ``None`` for nobody's."""
        return getattr(self.event, "tenant", None)

    @property
    def event_id(self) -> str | None:
        found = getattr(self.event, "event_id", None)
        return str(found) if found is not None else None

    @cached_property
    def value(self) -> bytes:
        """The event's bytes, made once: a ledger or an outbox keeps what is published."""
        return encode(self.event)

    def to_record(self, tenants: Tenants) -> Record:
        """The record of the event, for its topic, which is the tenant's own where it has one."""
        topic = tenants.address(self.topic, self.tenant)
        return Record(topic, self.record_key, self.value, event_headers(self.event_id))


Emits = Sequence[Emit]


def advance(source: Flow, to: type[T], ctx: Context, *, stage: str, item: str = "", **fields: Any) -> T:
    """Make the next event of a request: what ``source`` knows that ``to`` has a place for, then ``fields``.

    The event id follows from the request, the step and ``item``, so a redelivery makes the same event; the
    stage's timing is appended.
    """
    carried = {name: getattr(source, name) for name in _shared_fields(type(source), to)}
    carried |= {
        "event_id": event_id(source.tenant, source.request_id, to.STEP, item),
        "causation_id": source.event_id,
        "occurred_at": datetime.now(UTC),
        "timings": (*source.timings, ctx.timing(stage)),
    }
    return to(**(carried | fields))


@cache
def _shared_fields(source: type[Flow], to: type[Flow]) -> tuple[str, ...]:
    return tuple(n for n in source.model_fields if n in to.model_fields and n not in ("contract", "version"))


def failed(event: Any, ctx: Context, error: SeptetError, service: str) -> Outcome | None:
    """The typed outcome of a request that cannot go on; ``None`` where no request can be named.

    ``event`` is the decoded event, or the :class:`septet_contracts.Partial` of one that is not valid.
    """
    if getattr(event, "request_id", None) is None:
        return None
    info = ErrorInfo(code=error.code, message=error.message, field=error.field, fix=error.fix, stage=service)
    if isinstance(event, Flow):
        return advance(
            event,
            Outcome,
            ctx,
            stage=service,
            item=error.code,
            status="failed",
            origin=service,
            error=info,
            answer=None,
            answer_kind="none",
        )
    ask = event if isinstance(event, Request) else None
    now = datetime.now(UTC)
    return Outcome(
        request_id=event.request_id,
        tenant=event.tenant,
        conversation_id=event.conversation_id,
        event_id=event_id(event.tenant, event.request_id, Outcome.STEP, error.code),
        occurred_at=now,
        deadline=deadline_of(ask, ctx) if ask else ctx.timestamp + DEFAULT_DEADLINE,
        accepted_at=ctx.timestamp,
        request_digest=request_digest(ctx.value),
        ask=_ask_of(ask),
        status="failed",
        origin=service,
        error=info,
        timings=(ctx.timing(service),),
    )


def _ask_of(request: Request | None) -> Ask:
    if request is None:
        return Ask(question="")
    return Ask(**{name: getattr(request, name) for name in Ask.model_fields})
