"""The description of a service: topics that it consumes and produces, and its wiring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from septet_kit.context import Context
from septet_kit.events import Emit

Handler = Callable[[Any, Context], Awaitable[Sequence[Emit]]]
Task = Callable[[], Awaitable[None]]

REQUEST_SCOPED = frozenset({"requests", "screened", "missed", "grounded", "drafts", "revisions"})
"""Topics whose records each stand for a request: a service that cannot handle one reports a failed outcome."""


GROUP_PREFIX = "septet."


def group_of(service: str) -> str:
    """Consumer group of a service."""
    return f"{GROUP_PREFIX}{service}"


@dataclass(frozen=True)
class ServiceSpec:
    """A service's place in the topology, by short topic names; AsyncAPI and ACLs are made from it.

    ``consumes`` are the topics of its stages, which it reads in its consumer group. ``follows`` are those that each of
    its processes reads from the end, without a group. ``outbox`` are those of the produced topics that are written by way
    of an outbox: after a crash the service looks there for its records, so it needs the right to read them. ``watches``
    are services whose lag it reads. ``live_only`` are those of the consumed topics that only live processes consume: a
    process with a namespace leaves their stages out.
    """

    name: str
    consumes: tuple[str, ...]
    produces: tuple[str, ...]
    about: str = ""
    outbox: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    live_only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """One consumed topic and how its records are handled.

    ``budget`` bounds one record's handling (a request's own deadline bounds it too); ``concurrency`` is the
    number of keys handled at once; ``attempts`` counts tries on ``Transient`` (``None``: until it works, for
    events that must not be dropped and have no deadline).

    ``on_malformed`` says what becomes of a record that cannot be read, or whose tenant is refused: ``dead_letter``
    publishes it to the service's dead-letter topic and, on request-scoped topics, reports a failed outcome. ``ignore``
    counts and skips it, and is right only where another service provably answers for the same record.
    """

    topic: str
    handle: Handler
    budget: timedelta = timedelta(seconds=30)
    concurrency: int = 16
    attempts: int | None = 3
    on_malformed: Literal["dead_letter", "ignore"] = "dead_letter"


@dataclass(frozen=True)
class Wiring:
    """A wired service: stages, background tasks, readiness checks."""

    stages: Sequence[Stage]
    background: Sequence[Task] = ()
    ready: Sequence[Task] = ()
