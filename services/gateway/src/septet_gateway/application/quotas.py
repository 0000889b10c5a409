"""Limits on the calls of each API key, counted in this process."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from septet_gateway.domain.errors import ApiError

_WINDOW_S = 60.0
_KEYS = 4096


@dataclass
class _Usage:
    """Calls of one key: when those of the last minute began, and how many are in progress."""

    began: deque[float] = field(default_factory=deque)
    running: int = 0


class Quotas:
    """Counts the calls of each key in a sliding minute, and those in progress.

    Args:
        per_minute: calls of a key that may begin within a minute; ``None`` for any number.
        concurrent: calls of a key that may be in progress, streams included; ``None`` for any number.
        clock: in seconds.
    """

    def __init__(
        self,
        per_minute: int | None = None,
        concurrent: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_minute = per_minute
        self._concurrent = concurrent
        self._clock = clock
        self._usage: OrderedDict[str, _Usage] = OrderedDict()

    @contextmanager
    def call(self, key_id: str) -> Iterator[None]:
        """Count a call during a block. A refused call does not count.

        Raises:
            ApiError: 429, the key has reached a limit.
        """
        usage = self._usage.setdefault(key_id, _Usage())
        self._usage.move_to_end(key_id)
        self._check_concurrency(usage)
        self._check_rate(usage)
        usage.running += 1
        self._forget()
        try:
            yield
        finally:
            usage.running -= 1

    def _check_concurrency(self, usage: _Usage) -> None:
        if self._concurrent is not None and usage.running >= self._concurrent:
            message = f"this API key has {self._concurrent} calls in progress, which is its limit"
            raise ApiError(429, message, code="concurrency_limit_exceeded")

    def _check_rate(self, usage: _Usage) -> None:
        if self._per_minute is None:
            return
        now = self._clock()
        while usage.began and now - usage.began[0] >= _WINDOW_S:
            usage.began.popleft()
        if len(usage.began) >= self._per_minute:
            message = f"this API key may make {self._per_minute} calls a minute"
            wait = usage.began[0] + _WINDOW_S - now
            raise ApiError(429, message, code="rate_limit_exceeded", headers=_retry_after(wait))
        usage.began.append(now)

    def _forget(self) -> None:
        """Drop the keys that called least recently, but none with a call in progress."""
        excess = max(0, len(self._usage) - _KEYS)
        idle = (key_id for key_id, usage in self._usage.items() if usage.running == 0)
        for key_id in [*islice(idle, excess)]:
            del self._usage[key_id]


def _retry_after(seconds: float) -> dict[str, str]:
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(seconds * 1000))}
