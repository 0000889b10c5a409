"""Circuit breaker: after several failures in a row no call is made for a while."""

from __future__ import annotations

from collections.abc import Callable


class Breaker:
    """Opens after ``failures`` failures in a row.

    The pause doubles with each failed trial, from ``pause`` to ``longest`` seconds. After a pause one call is let through as
    a trial; its success closes the breaker.
    """

    def __init__(self, failures: int, pause: float, longest: float, clock: Callable[[], float]) -> None:
        self._failures = failures
        self._first_pause = pause
        self._longest = longest
        self._clock = clock
        self._failed = 0
        self._pause = pause
        self._open_until = 0.0
        self._trial = False

    @property
    def is_open(self) -> bool:
        """Whether the last calls failed."""
        return self._failed >= self._failures

    def allows(self) -> bool:
        """Whether a call may be made. While the breaker is open, True starts the trial, which ends with its result."""
        if not self.is_open:
            return True
        if self._trial or self._clock() < self._open_until:
            return False
        self._trial = True
        return True

    def succeeded(self) -> None:
        """Note a call that succeeded."""
        self._failed = 0
        self._pause = self._first_pause
        self._trial = False

    def failed(self, retry_after: float | None = None) -> None:
        """Note a call that failed. The endpoint's own ``retry_after`` lengthens the pause, up to the longest one.

        While the breaker is open, only the trial counts: the other calls began before it opened.
        """
        if self.is_open and not self._trial:
            return
        self._failed += 1
        self._trial = False
        if self.is_open:
            pause = max(self._pause, retry_after or 0.0)
            self._open_until = self._clock() + min(pause, self._longest)
            self._pause = min(self._pause * 2, self._longest)

    def abandoned(self) -> None:
        """Note a trial that ended without a call."""
        self._trial = False
