"""Which document events count: order and idempotence of ingest, decided without a database.

The log keeps one document's events in order, but a crash replays its tail. A replayed event must neither
bring an older text back nor lose the announcement that the crash swallowed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Change = Literal["created", "updated", "deleted", "unchanged"]


@dataclass(frozen=True)
class Origin:
    """The record that an event came in."""

    timestamp: datetime
    partition: int
    offset: int

    def precedes(self, other: Origin) -> bool:
        """Whether this record was logged earlier. Offsets alone mislead when a topic was created anew."""
        return (
            self.partition == other.partition
            and self.offset < other.offset
            and self.timestamp <= other.timestamp
        )


@dataclass(frozen=True)
class State:
    """What is stored of a document; ``content_hash`` is ``None`` once it is deleted."""

    sequence: int
    revision: int | None
    content_hash: str | None
    previous_hash: str | None
    change: Change
    passages: int
    embedded: int
    origin: Origin


class Judgement(enum.Enum):
    APPLY = "apply"
    REPEAT = "repeat"
    """The very record that made the stored state: its announcement is due again."""
    UNCHANGED = "unchanged"
    STALE = "stale"


def judge(state: State | None, revision: int | None, content_hash: str | None, origin: Origin) -> Judgement:
    """Decide on an event: an upsert with its content's hash, or a deletion with ``None``."""
    if state is None:
        return Judgement.APPLY
    if origin == state.origin and content_hash == state.content_hash:
        return Judgement.REPEAT
    if revision is not None and state.revision is not None and revision < state.revision:
        return Judgement.STALE
    if origin.precedes(state.origin):
        return Judgement.STALE
    if content_hash is not None and content_hash == state.content_hash:
        return Judgement.UNCHANGED
    return Judgement.APPLY


def change_of(state: State | None, content_hash: str | None) -> Change:
    """What applying an event does to the document."""
    if content_hash is None:
        return "deleted"
    return "created" if state is None or state.content_hash is None else "updated"
