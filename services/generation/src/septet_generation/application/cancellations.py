"""Cancelled requests, and the drafts that they stop."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from septet_kit import MAX_DEADLINE

_LIMIT = 10_000

Key = tuple[str, str]


class RequestCancelled(Exception):
    """The request was cancelled; ``during_call`` says whether the model worked on it."""

    def __init__(self, *, during_call: bool) -> None:
        super().__init__("the request was cancelled")
        self.during_call = during_call


class Cancellations:
    """Stops the drafts of cancelled requests, and remembers recent cancellations for drafts that have not begun.

    Args:
        limit: cancellations that are remembered; the oldest is forgotten first.
        keep: how long one is remembered; by default as long as a request can live.
        clock: monotonic time in seconds.
    """

    def __init__(
        self,
        limit: int = _LIMIT,
        keep: timedelta = MAX_DEADLINE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._keep_s = keep.total_seconds()
        self._clock = clock
        self._recent: OrderedDict[Key, float] = OrderedDict()
        self._running: defaultdict[Key, set[asyncio.Timeout]] = defaultdict(set)

    def cancel(self, tenant: str, request_id: str) -> None:
        """Stop the drafts of a request, and remember it."""
        key = tenant, request_id
        self._recent[key] = self._clock()
        self._recent.move_to_end(key)
        self._forget()
        for scope in self._running.get(key, ()):
            if not scope.expired():
                scope.reschedule(asyncio.get_running_loop().time())

    def is_cancelled(self, tenant: str, request_id: str) -> bool:
        """Whether a request was cancelled recently."""
        self._forget()
        return (tenant, request_id) in self._recent

    @asynccontextmanager
    async def watch(self, tenant: str, request_id: str) -> AsyncIterator[None]:
        """Run a block that a cancellation of the request stops.

        Raises:
            RequestCancelled: it was cancelled, before the block or during it.
        """
        if self.is_cancelled(tenant, request_id):
            raise RequestCancelled(during_call=False)
        key = tenant, request_id
        try:
            async with asyncio.timeout(None) as scope:
                self._running[key].add(scope)
                try:
                    yield
                finally:
                    self._running[key].discard(scope)
                    if not self._running[key]:
                        del self._running[key]
        except TimeoutError:
            if scope.expired():
                raise RequestCancelled(during_call=True) from None
            raise

    def _forget(self) -> None:
        oldest = self._clock() - self._keep_s
        while self._recent and (
            len(self._recent) > self._limit or next(iter(self._recent.values())) < oldest
        ):
            self._recent.popitem(last=False)
