"""Gathers a model's deltas into chunks that are worth a record each."""

from __future__ import annotations


class Chunker:
    """Holds text back until ``characters`` are there or ``interval`` seconds have passed since the last
    chunk. Time is looked at when text comes in, so a silent model holds its last few characters back until
    it goes on or ends.
    """

    def __init__(self, characters: int = 24, interval: float = 0.05) -> None:
        self._characters = characters
        self._interval = interval
        self._held = ""
        self._last: float | None = None

    def add(self, text: str, now: float) -> str | None:
        """Take ``text`` in at monotonic time ``now``; returns a chunk when one is due."""
        self._held += text
        if not self._held:
            return None
        due = self._last is None or now - self._last >= self._interval
        if not due and len(self._held) < self._characters:
            return None
        self._last = now
        return self.rest()

    def rest(self) -> str:
        """What is held back, which is then no longer."""
        held, self._held = self._held, ""
        return held
