"""Fields of every event: owner, time, deadline and identity."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_NAMESPACE = UUID("6b1d6f1e-5e0f-5c1a-9c55-7e57e7000001")

RequestId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9._:\-]+$",
        description="The client's idempotency key: letters, digits and . _ : - (at most 128).",
    ),
]
Tenant = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=r"^[a-z0-9][a-z0-9\-]*$",
        description="Lower-case name of the tenant: letters, digits and hyphens.",
    ),
]
ConversationId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:\-]+$")]


class Contract(BaseModel):
    """Base of all wire models. It is immutable and ignores fields that a newer writer adds."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Identified(Contract):
    """The fields that attribute an event to a client, even if the rest of it is invalid."""

    request_id: RequestId
    tenant: Tenant = "default"
    conversation_id: ConversationId | None = None


class Envelope(Identified):
    """The header of an event made by a service. Each major version of the contracts narrows ``version``."""

    contract: str = Field(description="Contract name, constant for a topic and major version.")
    version: int = Field(description="Major version of the contract.")
    event_id: UUID = Field(description="uuid5 of request, step and item: the same for every redelivery.")
    occurred_at: AwareDatetime
    deadline: AwareDatetime | None = Field(default=None, description="Absolute; work past it is of no use.")
    causation_id: UUID | None = Field(default=None, description="event_id of the event that led to this one.")

    STEP: ClassVar[str] = ""


class EventV1(Envelope):
    """Header of an event of major version 1."""

    version: Literal[1] = Field(default=1, description="Major version of the contract.")


class EventV2(Envelope):
    """Header of an event of major version 2."""

    version: Literal[2] = Field(default=2, description="Major version of the contract.")


def event_id(tenant: str, request_id: str, step: str, item: str = "") -> UUID:
    """Derive the id of an event from what it is, never from the attempt (UUID version 5, RFC 9562)."""
    return uuid5(_NAMESPACE, "\x1f".join((tenant, request_id, step, item)))


def record_key(tenant: str, request_id: str, conversation_id: str | None) -> bytes:
    """Kafka record key of a request-scoped event. It keeps the order per conversation, or else per request."""

    return f"{tenant}:{conversation_id or request_id}".encode()
