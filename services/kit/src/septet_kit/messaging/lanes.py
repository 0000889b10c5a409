"""Key lanes: serial per key, parallel across keys, bounded. Pure: nothing here awaits."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

J = TypeVar("J")


class Lanes(Generic[J]):
    """Schedules jobs by key.

    Invariants: at most one job of a key runs; jobs of a key run in the order they were pushed; at most
    ``limit`` jobs run; a job waits only while its key is busy or the limit is reached.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("limit must be at least 1")
        self.limit = limit
        self._busy: set[Hashable] = set()
        self._waiting: dict[Hashable, deque[J]] = {}
        self._runnable: deque[Hashable] = deque()
        self._depth = 0

    @property
    def depth(self) -> int:
        """Jobs that run or wait."""
        return self._depth

    @property
    def running(self) -> int:
        return len(self._busy)

    def push(self, key: Hashable, job: J) -> list[J]:
        """Add a job; returns the jobs to start now (this one, or none)."""
        self._depth += 1
        queue = self._waiting.get(key)
        if queue is not None:
            queue.append(job)
            return []
        self._waiting[key] = deque((job,))
        if key not in self._busy:
            self._runnable.append(key)
        return self._start()

    def done(self, key: Hashable) -> list[J]:
        """Note that the running job of ``key`` ended; returns the jobs to start now."""
        self._busy.remove(key)
        self._depth -= 1
        if key in self._waiting:
            self._runnable.append(key)
        return self._start()

    def _start(self) -> list[J]:
        started = []
        while self._runnable and len(self._busy) < self.limit:
            key = self._runnable.popleft()
            queue = self._waiting[key]
            started.append(queue.popleft())
            if not queue:
                del self._waiting[key]
            self._busy.add(key)
        return started
