"""Contiguous offset tracking: the offset to commit while records finish out of order. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort


class OffsetTracker:
    """Tracks one partition's assignment.

    A committed offset means that every record below it is finished, so it only rises to the lowest unfinished
    offset. Offsets begin in rising order and finish in any order. Gaps in the log (compaction, transaction markers)
    need no special case, because only offsets that began can hold the commit back.
    """

    def __init__(self) -> None:
        self._open: list[int] = []
        self._next: int | None = None
        self._committed: int | None = None

    @property
    def in_flight(self) -> int:
        """Records that began and did not finish."""
        return len(self._open)

    @property
    def span(self) -> int:
        """Offsets from the lowest unfinished record to the newest that began; 0 when all are finished."""
        return self._next - self._open[0] if self._open and self._next is not None else 0

    def lowest(self) -> int | None:
        """The offset below which everything is finished, or ``None`` before the first record."""
        return self._open[0] if self._open else self._next

    def begin(self, offset: int) -> None:
        """Note that a record is handled from now on."""
        insort(self._open, offset)
        self._next = max(self._next or 0, offset + 1)

    def finish(self, offset: int) -> None:
        """Note that a record's effects are durable.

        Raises:
            ValueError: the offset did not begin, or finished before.
        """
        at = bisect_left(self._open, offset)
        if at == len(self._open) or self._open[at] != offset:
            raise ValueError(f"offset {offset} is not in flight")
        self._open.pop(at)

    def committable(self) -> int | None:
        """The offset to commit, or ``None`` when nothing new can be."""
        target = self.lowest()
        return target if target is not None and target != self._committed else None

    def committed(self, offset: int) -> None:
        """Note that the broker has stored the commit."""
        self._committed = offset
