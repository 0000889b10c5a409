"""Ports of the eval service."""

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

ConflictFactory: TypeAlias = Callable[[], Publication]
"""Makes the response to a second body under a request id. It is called only for a conflict, which is rare."""


@dataclass(frozen=True)
class ReleaseResult:
    """The events that a transition leaves to publish, and whether it released the response."""

    emits: Sequence[Emit] = ()
    released: bool = False


@dataclass(frozen=True)
class ExpiredRequest:
    """A request that was released as expired, its events, and the trace context of the release."""

    pending: Pending
    publication: Publication
    emits: Sequence[Emit]
    trace_context: Context


class RequestRegistry(Protocol):
    """The state of every request. A transition and the events that it emits are stored atomically.

    All methods raise ``Transient`` if the database is not available.
    """

    async def register(self, pending: Pending, conflict: ConflictFactory) -> ReleaseResult:
        """Store a request as pending. If its id exists with another body, emit ``conflict`` once for that body."""
        ...

    async def release(
        self, pending: Pending, publication: Publication, conflict: ConflictFactory
    ) -> ReleaseResult:
        """Move a request from pending to released and emit ``publication``. A request is released only once.

        A request that is not registered yet is released as well. If its id exists with another body, emit
        ``conflict`` instead, once for that body.
        """
        ...

    async def expire(
        self, expiring: Callable[[Pending], AbstractContextManager[Publication]], limit: int
    ) -> Sequence[ExpiredRequest]:
        """Release up to ``limit`` overdue requests with the publications of ``expiring``, in its trace context."""
        ...

    async def purge(self, older_than: timedelta) -> int:
        """Delete requests that were released longer ago than ``older_than``; returns their number."""
        ...


class Vectors(Protocol):
    """Embeddings of answers."""

    async def embed(self, text: str, model: str, within: float) -> Vector | None:
        """The L2-normalised vector [d] of a text by ``model``, or None if there is none ``within`` seconds."""
        ...
