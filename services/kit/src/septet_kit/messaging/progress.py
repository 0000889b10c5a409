"""When a process last got on with its work, and what excuses it if it does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

# An outage counts for as long as attempts keep meeting it: longer than the slowest attempt and the wait after it.
_CONFIRMED_FOR = timedelta(seconds=30)
_PATIENCE = timedelta(minutes=5)


class Progress:
    """Time of the last real progress: a record finished, or nothing to do. Retries are no progress.

    An outage of a server excuses a standstill, because a restart does not end it. The excuse needs to be confirmed by
    fresh attempts and lasts five minutes at most: a client library may see an outage that is none.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._outage_since: float | None = None
        self._outage_seen = 0.0
        self._outage = ""

    def beat(self) -> None:
        """Note real progress."""
        self._last = self._clock()
        self._outage_since = None

    def note_outage(self, message: str) -> None:
        """Note that a server could not be asked at all."""
        now = self._clock()
        if self.outage is None:
            self._outage_since = now
        self._outage_seen, self._outage = now, message

    @property
    def idle_s(self) -> float:
        """Seconds since the last progress."""
        return self._clock() - self._last

    @property
    def outage(self) -> str | None:
        """The outage that was met just now, or ``None``."""
        if self._outage_since is None or self._clock() - self._outage_seen > _CONFIRMED_FOR.total_seconds():
            return None
        return self._outage

    @property
    def is_excused(self) -> bool:
        """Whether a confirmed outage explains the standstill, and has not lasted too long for that."""
        return (
            self.outage is not None
            and self._outage_since is not None
            and self._clock() - self._outage_since <= _PATIENCE.total_seconds()
        )
