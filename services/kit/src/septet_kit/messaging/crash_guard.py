"""Finding the record that ends its process. Pure: nothing here awaits.

A consumer stores a :class:`Trail` in the metadata of a partition's committed offset, where it survives the process and
follows the partition to its next owner. Each process that takes the partition over counts one start; a commit that
moves the offset, or an orderly end, clears the count. After :data:`MANY_DEATHS` deaths without progress the partition
is handled with care: one record at a time, named in the trail before its handler runs. A record that is named in
:data:`STRIKES` consecutive deaths is quarantined.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

MANY_DEATHS = 3
"""Consecutive deaths without a committed record after which a partition is handled with care."""

STRIKES = 2
"""Consecutive deaths with one record alone in flight after which the record is quarantined."""


@dataclass(frozen=True)
class Trail:
    """What earlier processes left at a partition's committed offset.

    Attributes:
        starts: processes that began to handle records from this offset on and have committed none, the current one
            included.
        suspect: offset of the record that was alone in flight.
        strikes: consecutive processes in which that record was alone in flight.
    """

    starts: int = 0
    suspect: int | None = None
    strikes: int = 0

    @classmethod
    def parse(cls, metadata: str) -> Trail:
        """Read commit metadata. Anything but a trail counts as none: other tools may commit, too."""
        try:
            fields = json.loads(metadata)
            trail = cls(**fields)
        except (ValueError, TypeError, RecursionError):
            return cls()
        numbers = (trail.starts, trail.strikes, 0 if trail.suspect is None else trail.suspect)
        return trail if all(type(n) is int and n >= 0 for n in numbers) else cls()

    def __str__(self) -> str:
        """Commit metadata, empty without a trail."""
        return "" if self == NO_TRAIL else json.dumps(asdict(self), separators=(",", ":"))

    @property
    def needs_care(self) -> bool:
        """Whether records have to be handled one at a time."""
        return self.starts > MANY_DEATHS

    def started(self) -> Trail:
        """The trail once another process has begun."""
        return replace(self, starts=self.starts + 1)

    def handling(self, offset: int) -> Trail:
        """The trail while the record at ``offset`` is alone in flight."""
        strikes = self.strikes + 1 if offset == self.suspect else 1
        return Trail(self.starts, offset, strikes)

    @property
    def deaths(self) -> int:
        """Processes that have ended without progress."""
        return max(0, self.starts - 1)

    def condemns(self, offset: int) -> bool:
        """Whether the record at ``offset`` was alone in flight in enough deaths to be quarantined."""
        return offset == self.suspect and self.strikes >= STRIKES


NO_TRAIL = Trail()
