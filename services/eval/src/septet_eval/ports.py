"""Ports of the eval service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol, TypeAlias

from opentelemetry.context import Context
from septet_contracts import Response
from septet_kit import Emit

from septet_eval.domain.case import Vector
from septet_eval.domain.response import Pending, Publication

Ending: TypeAlias = Callable[[Pending], AbstractContextManager[Publication]]
"""Makes the response that ends a request without an outcome, in the request's trace."""


@dataclass(frozen=True)
class Substitutes:
    """Makes the responses that replace the one to a record. They are rare, so they are made only when needed.

    Attributes:
        conflict: the response to a second body under a request id.
        cancelled: the response to a request that was cancelled before it was registered.
    """

    conflict: Callable[[], Publication]
    cancelled: Callable[[], Publication]


@dataclass(frozen=True)
class ReleaseResult:
    """The events that a transition leaves to publish, and the response that it released, if any."""

    emits: Sequence[Emit] = ()
    response: Response | None = None


@dataclass(frozen=True)
class EndedRequest:
    """A request that was released without an outcome, its events, and the trace context of the release."""

    pending: Pending
    publication: Publication
    emits: Sequence[Emit]
    trace_context: Context


@dataclass(frozen=True)
class CancelResult:
    """Effect of a cancellation.

    Attributes:
        effect: ``released`` as cancelled; ``remembered``, because the request is not registered; ``ignored``, because
            it was released or cancelled before.
        ended: the request that was released.
    """

    effect: Literal["released", "remembered", "ignored"]
    ended: EndedRequest | None = None

    @property
    def emits(self) -> Sequence[Emit]:
        """The events to publish."""
        return self.ended.emits if self.ended is not None else ()


class RequestRegistry(Protocol):
    """The state of every request. A transition and the events that it emits are stored atomically.

    All methods raise ``Transient`` if the database is not available.
    """

    async def register(self, pending: Pending, substitutes: Substitutes) -> ReleaseResult:
        """Store a request as pending.

        If its id was cancelled before, release it as cancelled. If its id exists with another body, emit ``conflict``
        once for that body.
        """
        ...

    async def release(
        self, pending: Pending, publication: Publication, substitutes: Substitutes
    ) -> ReleaseResult:
        """Move a request from pending to released and emit ``publication``. A request is released only once.

        A request that is not registered yet is released as well; as cancelled, if its id was cancelled before. If its
        id exists with another body, emit ``conflict`` instead, once for that body.
        """
        ...

    async def cancel(self, tenant: str, request_id: str, cancelling: Ending) -> CancelResult:
        """Release a pending request with the publication of ``cancelling``.

        If the id does not exist, remember it: the request may be on its way, on another topic.
        """
        ...

    async def expire(self, expiring: Ending, limit: int) -> Sequence[EndedRequest]:
        """Release up to ``limit`` overdue requests with the publications of ``expiring``, in its trace context."""
        ...

    async def purge(self, older_than: timedelta) -> int:
        """Delete requests that were released longer ago than ``older_than``, and ids that were cancelled and never
        registered, after the longest deadline; returns their number."""
        ...


class Vectors(Protocol):
    """Embeddings of answers."""

    async def embed(self, text: str, model: str, within: float) -> Vector | None:
        """The L2-normalised vector [d] of a text by ``model``, or None if there is none ``within`` seconds."""
        ...
