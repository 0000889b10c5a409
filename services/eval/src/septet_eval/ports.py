"""What eval needs of the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias

from opentelemetry.context import Context
from septet_kit import Emit

from septet_eval.domain.case import Vector
from septet_eval.domain.response import Pending, Publication

Conflict: TypeAlias = Callable[[], Publication]
"""Makes the response to a second body under an id; nearly no request has one."""


@dataclass(frozen=True)
class ReleaseResult:
    """The events that a transition leaves to publish, and whether it released the response."""

    emits: Sequence[Emit] = ()
    released: bool = False


@dataclass(frozen=True)
class Expired:
    """A request that was released as expired, the events to publish, and the trace context of the release."""

    pending: Pending
    publication: Publication
    emits: Sequence[Emit]
    trace_context: Context


class Ledger(Protocol):
    """The state of every request. Each transition is atomic with the record of what it emits.

    All methods raise ``Transient`` when the database is not there.
    """

    async def register(self, pending: Pending, conflict: Conflict) -> ReleaseResult:
        """Note that a request awaits its response; emits ``conflict`` (once) if its id has another body."""
        ...

    async def release(self, pending: Pending, publication: Publication, conflict: Conflict) -> ReleaseResult:
        """Move a request from pending to released, and emit ``publication``, unless that was done before.

        A request that was never registered is released as well. ``conflict`` is emitted (once) instead when
        the request id belongs to another body.
        """
        ...

    async def expire(
        self, expiring: Callable[[Pending], AbstractContextManager[Publication]], limit: int
    ) -> Sequence[Expired]:
        """Release up to ``limit`` overdue requests with what ``expiring`` makes of them, in its context."""
        ...

    async def purge(self, older_than: timedelta) -> int:
        """Forget requests that were released longer ago; returns how many."""
        ...


class Vectors(Protocol):
    """Embeddings of answers."""

    async def embed(self, text: str, model: str, within: float) -> Vector | None:
        """The L2-normalised vector [d] of a text, or None when ``model`` cannot give it ``within`` seconds."""
        ...
