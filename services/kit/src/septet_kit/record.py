"""Records that are ready to be sent, and the claims under which an outbox lends them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from opentelemetry.context import Context

EVENT_ID_HEADER = "septet-event-id"


class ClaimLost(Exception):
    """Another process may send the record from now on."""


class Claim(Protocol):
    """The exclusive right of this process to send a record that is stored in an outbox.

    The publisher acquires the claim before it waits for anything. From there on the outbox renews the claim until
    the producer is done with the record, or the publisher releases the claim.
    """

    @property
    def trace_context(self) -> Context:
        """The context in which the event was made."""
        ...

    def acquire(self) -> bool:
        """Start renewing the claim. ``False``: it has lapsed, and the record must not be sent."""
        ...

    def hold(self) -> AbstractAsyncContextManager[None]:
        """Run a block while the claim is valid; the block is cancelled when the claim lapses.

        Raises:
            ClaimLost: the claim lapsed before the block ended.
        """
        ...

    def queued(self, sent: asyncio.Future[object]) -> None:
        """Keep the claim until ``sent`` is done: the producer has the record, and it does not give up."""
        ...

    def release(self) -> None:
        """Stop renewing the claim, unless the producer has the record."""
        ...

    async def settled(self) -> None:
        """Wait until the record is on the log, no matter which process has sent it."""
        ...


@dataclass(frozen=True)
class Record:
    """A record that is ready to be sent; ``claim`` is set if it is stored in an outbox."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    claim: Claim | None = None


def headers_of(raw: tuple[tuple[str, bytes], ...] | None) -> Mapping[str, bytes]:
    """A record's headers by name. The last of a repeated name counts; a header without a value is left out."""
    return {name: value for name, value in raw or () if value is not None}


def event_headers(event_id: str | None) -> tuple[tuple[str, bytes], ...]:
    """The headers of an event's record."""
    content_type = ("content-type", b"application/json")
    if event_id is None:
        return (content_type,)
    return content_type, (EVENT_ID_HEADER, event_id.encode())
