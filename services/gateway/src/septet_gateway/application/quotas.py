"""Limits on the calls of each API key, counted by all instances together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

from septet_kit.observe import get_logger

from septet_gateway.application.claims import Claims
from septet_gateway.domain.keys import Caller
from septet_gateway.domain.quotas import Limits, Usage, rate_headers, refusal
from septet_gateway.ports import UsageReport, UsageTable

log = get_logger()

_CLOSE_S = 2.0
# A report that is lost is repeated twice before the lease ends.
_REPORTS_PER_LEASE = 3


@dataclass(eq=False)
class _Key:
    """The calls of one key in this instance.

    Attributes:
        limits: of the key.
        waiting: calls that wait for the table's answer.
        running: calls in progress.
        tokens: used since the last report.
        is_stale: whether the table has another number of calls in progress.
        reporting: the task that writes to the table; one statement of a key runs at a time.
    """

    caller: Caller
    limits: Limits
    waiting: deque[asyncio.Future[Usage]] = field(default_factory=deque)
    running: int = 0
    tokens: int = 0
    is_stale: bool = False
    reporting: asyncio.Task[bool] | None = None

    @property
    def has_news(self) -> bool:
        return self.is_stale or self.tokens > 0

    @property
    def counts_running(self) -> bool:
        return self.limits.concurrent is not None


class Charge(Protocol):
    """Counts tokens of a key."""

    def __call__(self, tokens: int, request_id: str | None = None) -> None:
        """Count tokens. With a request id, only the first charge of this request counts, in all instances."""
        ...


@dataclass(frozen=True)
class Admission:
    """A call that may begin.

    Attributes:
        headers: state of the key's limits, for the response.
        charge: counts the tokens of the call's answer, also after its end. They are written with the key's next report.
        end: ends the call.
    """

    headers: Mapping[str, str]
    charge: Charge
    end: Callable[[], None]


UNCOUNTED = Admission({}, lambda _, request_id=None: None, lambda: None)
"""The admission of every call if there are no limits."""


class Quotas:
    """Counts the calls of each key, those in progress, and their tokens, in a table that all instances share.

    Calls of a key that arrive while a statement of this key runs share the next one, so that a busy key takes one
    connection of the pool. The instance reports its number of calls in progress, and not changes of it: a report that
    was lost is corrected by the next one. The table forgets the number of an instance that has ended.

    Args:
        table: the shared counts.
        limits: of each key.
        lease: for how long the table believes an instance that reports nothing.
    """

    def __init__(self, table: UsageTable, limits: Limits, lease: timedelta) -> None:
        self._limits = limits
        self._table = table
        self._report_s = lease.total_seconds() / _REPORTS_PER_LEASE
        self._keys: dict[str, _Key] = {}
        self._claims = Claims(table)

    async def admit(self, caller: Caller) -> Admission:
        """Admit a call of a key. A refused call does not count.

        Raises:
            ApiError: 429, the key has reached a limit.
            Transient: the table cannot be written.
        """
        return await self._admit(caller, self._limits)

    async def admit_stream(self, caller: Caller, limit: int | None) -> Callable[[], None]:
        """Admit a stream of a key whose call was admitted; returns the function that ends it.

        Streams are counted like calls, in a row of their own.

        Args:
            caller: of the stream.
            limit: of the key's streams in progress; ``None`` for no limit.

        Raises:
            ApiError: 429, the key has reached the limit.
            Transient: the table cannot be written.
        """
        row = replace(caller, key_id=f"{caller.key_id}/streams")
        return (await self._admit(row, Limits(concurrent=limit, counted="streams"))).end

    async def _admit(self, caller: Caller, limits: Limits) -> Admission:
        if not limits.exist:
            return UNCOUNTED
        key = self._keys.setdefault(caller.key_id, _Key(caller, limits))
        future: asyncio.Future[Usage] = asyncio.get_running_loop().create_future()
        key.waiting.append(future)
        self._wake(key)
        try:
            usage = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._end(key)
            raise
        headers = rate_headers(limits, usage)
        return Admission(headers, partial(self._charge, key), partial(self._end, key))

    async def run(self) -> None:
        """Report the calls in progress and the charged tokens until cancelled, so that the leases do not end."""
        while True:
            await asyncio.sleep(self._report_s)
            for key in [*self._keys.values()]:
                key.is_stale |= key.running > 0 and key.counts_running
                self._wake(key)

    async def close(self) -> None:
        """Wait until the last charges and reports have been written, for two seconds each at most."""
        await self._claims.close(_CLOSE_S)
        if tasks := [key.reporting for key in self._keys.values() if key.reporting is not None]:
            await asyncio.wait(tasks, timeout=_CLOSE_S)

    def _charge(self, key: _Key, tokens: int, request_id: str | None = None) -> None:
        if key.limits.tokens is None or not tokens:
            return
        if request_id is None:
            self._count(key, tokens)
        else:
            self._claims.add(key.caller.tenant, request_id, partial(self._count, key, tokens))

    def _count(self, key: _Key, tokens: int) -> None:
        # The call may have ended, and its key may have been forgotten since.
        known = self._keys.setdefault(key.caller.key_id, key)
        known.tokens += tokens
        if not known.running:
            self._wake(known)

    def _end(self, key: _Key) -> None:
        key.running -= 1
        key.is_stale = key.counts_running
        self._wake(key)

    def _wake(self, key: _Key) -> None:
        """Report what there is to report, and forget a key without calls."""
        if key.reporting is not None:
            return
        if key.waiting or key.has_news:
            key.reporting = asyncio.create_task(self._report(key))
            key.reporting.add_done_callback(partial(self._reported, key))
        elif not key.running:
            self._keys.pop(key.caller.key_id, None)

    def _reported(self, key: _Key, task: asyncio.Task[bool]) -> None:
        key.reporting = None
        # After a failure, news wait for the next interval, and calls that have arrived since then do not.
        if key.waiting or (not task.cancelled() and task.result()):
            self._wake(key)

    async def _report(self, key: _Key) -> bool:
        """Write to the table until there is nothing to write; ``False`` if that has failed."""
        while key.waiting or key.has_news:
            waiting = [future for future in key.waiting if not future.done()]
            key.waiting.clear()
            tokens, key.tokens, key.is_stale = key.tokens, 0, False
            caller = key.caller
            report = UsageReport(caller.tenant, caller.key_id, len(waiting), key.running, tokens, key.limits)
            try:
                usage = await self._table.update(report)
            except Exception as error:
                key.tokens += tokens
                key.is_stale = key.counts_running
                log.warning("a key's usage could not be written", error=repr(error))
                for future in waiting:
                    if not future.done():
                        future.set_exception(error)
                return False
            self._answer(key, waiting, usage)
        return True

    def _answer(self, key: _Key, waiting: list[asyncio.Future[Usage]], usage: Usage) -> None:
        """Admit as many calls as the table has granted. The callers of some may have disconnected."""
        left = [future for future in waiting if not future.done()]
        for number, future in enumerate(left):
            if number < usage.granted:
                key.running += 1
                future.set_result(usage)
            else:
                future.set_exception(refusal(key.limits, usage))
        key.is_stale |= usage.granted > len(left) and key.counts_running
