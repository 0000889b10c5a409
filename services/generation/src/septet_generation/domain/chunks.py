"""Collects streamed text into chunks of a useful size."""

from __future__ import annotations


class Chunker:
    """Buffers text until it has ``characters`` or until ``interval`` seconds have passed since the last chunk.

    The time is checked only when text arrives, so a pause of the model also delays the buffered text.
    """

    def __init__(self, characters: int = 24, interval: float = 0.05) -> None:
        self._characters = characters
        self._interval = interval
        self._buffer = ""
        self._last: float | None = None

    def add(self, text: str, now: float) -> str | None:
        """Add ``text`` at monotonic time ``now``; return a chunk if one is due."""
        self._buffer += text
        if not self._buffer:
            return None
        due = self._last is None or now - self._last >= self._interval
        if not due and len(self._buffer) < self._characters:
            return None
        self._last = now
        return self.flush()

    def flush(self) -> str:
        """Return and clear the buffered text."""
        buffered, self._buffer = self._buffer, ""
        return buffered
