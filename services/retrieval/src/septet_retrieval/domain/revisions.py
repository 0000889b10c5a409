"""Decides whether a document event applies: order and idempotence of ingest.

The log keeps the events of a document in order, but a crash replays its tail. A replayed event must not restore an
older text, and the ``documents-changed`` event that the crash prevented must still be published.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Change = Literal["created", "updated", "deleted", "unchanged"]


@dataclass(frozen=True)
class Origin:
    """The log record of an event."""

    timestamp: datetime
    partition: int
    offset: int

    def precedes(self, other: Origin) -> bool:
        """Whether this record was logged earlier. Timestamps detect a recreated topic, whose offsets restart."""
        return (
            self.partition == other.partition
            and self.offset < other.offset
            and self.timestamp <= other.timestamp
        )


@dataclass(frozen=True)
class State:
    """Stored state of a document; ``content_hash`` is ``None`` if it is deleted."""

    sequence: int
    revision: int | None
    content_hash: str | None
    previous_hash: str | None
    change: Change
    passages: int
    embedded: int
    origin: Origin
    instructions: int = 0


class Decision(enum.Enum):
    APPLY = "apply"
    REPEAT = "repeat"
    """The record that led to the stored state: publish its ``documents-changed`` event again."""
    UNCHANGED = "unchanged"
    STALE = "stale"


def decide(state: State | None, revision: int | None, content_hash: str | None, origin: Origin) -> Decision:
    """Decide on an event; ``content_hash`` is ``None`` for a deletion."""
    if state is None:
        return Decision.APPLY
    if origin == state.origin and content_hash == state.content_hash:
        return Decision.REPEAT
    if revision is not None and state.revision is not None and revision < state.revision:
        return Decision.STALE
    if origin.precedes(state.origin):
        return Decision.STALE
    if content_hash is not None and content_hash == state.content_hash:
        return Decision.UNCHANGED
    return Decision.APPLY


def change_of(state: State | None, content_hash: str | None) -> Change:
    """Return the change that applying an event makes to the document."""
    if content_hash is None:
        return "deleted"
    return "created" if state is None or state.content_hash is None else "updated"
