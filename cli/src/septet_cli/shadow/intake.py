"""Selects requests of live traffic for a shadow: a share of conversations, joined with their responses, bounded."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Literal, TypeVar

from septet_contracts import Request, Response
from septet_contracts.flow import Flow
from septet_kit.shares import is_selected

from septet_cli.replay.logged import Key, LoggedRequest
from septet_cli.replay.selection import Selection

T = TypeVar("T")
Drop = Literal["queue_full", "late", "lag"]
"""Why a selected request is not mirrored: the queue is full; it has no response in time, or too many wait for one; or
live services are behind."""
_LONGEST = timedelta(minutes=15)
"""Time until the response of a request without a deadline."""
_SHORT = timedelta(seconds=10)
"""Two topics are read at slightly different times: a response may be read before its event."""


class _Halves(Generic[T]):
    """Halves of pairs by key, bounded; each expires at a time of its own."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[Key, tuple[datetime, T]] = OrderedDict()

    def add(self, key: Key, half: T, expires: datetime) -> int:
        """Keep a half; the first of a key counts. Returns how many it displaces."""
        self._found.setdefault(key, (expires, half))
        displaced = max(0, len(self._found) - self._most)
        for _ in range(displaced):
            self._found.popitem(last=False)
        return displaced

    def take(self, key: Key) -> T | None:
        found = self._found.pop(key, None)
        return None if found is None else found[1]

    def expire(self, now: datetime) -> int:
        """Drop the halves whose time is over; returns their number."""
        over = [key for key, (expires, _) in self._found.items() if expires < now]
        for key in over:
            del self._found[key]
        return len(over)


@dataclass(frozen=True)
class Bounds:
    """How much a shadow holds.

    Attributes:
        waiting: requests whose response has not come; as many responses whose event has not come.
        queue: requests that wait for their turn.
        lag: unread records of the live stage above which requests are dropped.
    """

    waiting: int = 1000
    queue: int = 50
    lag: int = 100


class Intake:
    """Joins live events with their responses and queues those of the share. It never waits: what does not fit is dropped.

    Args:
        share: share of conversations, 0 to 1.
        selection: conditions on responses.
        bounds: how much it holds.
        clock: returns the time.
    """

    def __init__(
        self,
        share: float,
        selection: Selection,
        bounds: Bounds,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._share = share
        self._selection = selection
        self._bounds = bounds
        self._clock = clock
        self._events: _Halves[Flow | Request] = _Halves(bounds.waiting)
        self._responses: _Halves[Response] = _Halves(bounds.waiting)
        self.queue: asyncio.Queue[LoggedRequest] = asyncio.Queue(bounds.queue)
        self.lag = 0
        self.seen = 0
        self.mirrored = 0
        self.dropped: Counter[Drop] = Counter()

    def add_event(self, event: Flow | Request) -> None:
        """Add what the first changed stage receives. Requests of evaluation runs are no traffic."""
        ask = event if isinstance(event, Request) else event.ask
        if ask.evaluation is not None:
            return
        self.seen += 1
        if not is_selected(self._share, event.tenant, event.conversation_id, event.request_id):
            return
        key = (event.tenant, event.request_id)
        response = self._responses.take(key)
        if response is not None:
            self._offer(LoggedRequest(response, event))
            return
        expires = getattr(event, "deadline", None) or self._clock() + _LONGEST
        self.dropped["late"] += self._events.add(key, event, expires)

    def add_response(self, response: Response) -> None:
        """Add what the client receives; the first response of a request counts."""
        if response.evaluation is not None:
            return
        key = (response.tenant, response.request_id)
        event = self._events.take(key)
        if not self._selection.matches(response):
            return
        if event is not None:
            self._offer(LoggedRequest(response, event))
        elif is_selected(self._share, response.tenant, response.conversation_id, response.request_id):
            # Requests that end before the changed stage have no event: what is displaced or expires is no drop.
            self._responses.add(key, response, self._clock() + _SHORT)

    def expire(self) -> None:
        """Drop requests without a response in time."""
        now = self._clock()
        self.dropped["late"] += self._events.expire(now)
        self._responses.expire(now)

    def _offer(self, request: LoggedRequest) -> None:
        if self.lag > self._bounds.lag:
            self.dropped["lag"] += 1
            return
        try:
            self.queue.put_nowait(request)
        except asyncio.QueueFull:
            self.dropped["queue_full"] += 1
        else:
            self.mirrored += 1
