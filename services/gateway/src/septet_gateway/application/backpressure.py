"""Refusal of questions while the first stage has too many of them."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from septet_gateway.domain.errors import ApiError
from septet_gateway.domain.quotas import retry_after
from septet_gateway.telemetry import backlog, backlog_reads

_READINGS = 10
_UNKNOWN_WAIT_S = 10.0
# OpenAI's clients ignore a longer time.
_LONGEST_WAIT_S = 60.0


class Backpressure:
    """Refuses questions while the backlog of the first stage is above a limit. An unknown backlog refuses nothing.

    Args:
        limit: records of the backlog.
        clock: in seconds.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._readings: deque[tuple[float, int]] = deque(maxlen=_READINGS)

    def note(self, records: int | None) -> None:
        """Note a reading of the backlog; ``None`` if it is unknown."""
        backlog.set(math.nan if records is None else records)
        backlog_reads.labels("failed" if records is None else "read").inc()
        if records is None:
            self._readings.clear()
        else:
            self._readings.append((self._clock(), records))

    def check(self) -> None:
        """Check that a question may be published.

        Raises:
            ApiError: 429, the backlog is above the limit.
        """
        if not self._readings or self._readings[-1][1] <= self._limit:
            return
        message = f"more than {self._limit} questions wait for their first step"
        raise ApiError(429, message, code="overloaded", headers=retry_after(self._wait_s()))

    def _wait_s(self) -> float:
        """Seconds until the backlog is at its limit, by the rate at which it has fallen from its last peak.

        Ten seconds if it does not fall.
        """
        now, records = self._readings[-1]
        peak_at, peak = max(self._readings, key=lambda reading: (reading[1], reading[0]))
        if peak == records:
            return _UNKNOWN_WAIT_S
        rate = (peak - records) / (now - peak_at)
        return min(max((records - self._limit) / rate, 1.0), _LONGEST_WAIT_S)
