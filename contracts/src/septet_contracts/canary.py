"""A canary: a share of conversations that a candidate answers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from septet_contracts.envelope import Contract, Tenant


class Canary(Contract):
    """Which requests a candidate answers instead of the live version. Keyed by ``name``; the topic is compacted.

    The requests that name ``live`` as their model alias or policy get ``candidate`` in its place, if their conversation
    belongs to the share. The owner renews the record; after ``expires_at`` it has no effect.
    """

    CONTRACT: ClassVar[str] = "septet.canary"
    contract: Literal["septet.canary"] = "septet.canary"
    version: Literal[1] = 1
    name: str = Field(default="canary", min_length=1, max_length=64)
    run: str = Field(
        min_length=1, max_length=64, description="The same conversations belong to the share of one run."
    )
    field: Literal["model", "policy"] = Field(description="Field of the request that differs.")
    live: str = Field(min_length=1, max_length=128, description="Its value in requests that take part.")
    candidate: str = Field(min_length=1, max_length=128, description="Its value for the candidate.")
    share: float = Field(ge=0, le=1, description="Share of conversations; 0: the canary has ended.")
    tenants: tuple[Tenant, ...] = Field(default=(), description="Only these tenants; empty: all.")
    reason: str = Field(default="", max_length=1024, description="Why the share is what it is, for people.")
    occurred_at: AwareDatetime
    expires_at: AwareDatetime
