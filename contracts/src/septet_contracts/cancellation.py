"""The cancellation of a request."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from septet_contracts.envelope import Identified


class Cancellation(Identified):
    """A client no longer waits for the response to ``request_id``.

    The request gets the one response `cancelled`, unless another response was released before.
    """

    CONTRACT: ClassVar[str] = "septet.cancellations"

    contract: Literal["septet.cancellations"] = "septet.cancellations"
    version: Literal[1] = 1
    occurred_at: AwareDatetime | None = None
    reason: str | None = Field(
        default=None, max_length=1_024, description="For people who read the topic; no service reads it."
    )
