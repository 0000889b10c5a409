"""Retry in place: transient errors alone, bounded by attempts and by time."""

from __future__ import annotations

import asyncio
import time

import pytest
from septet_kit import DeadlineExceeded, Permanent, TooLate, Transient
from septet_kit.errors import Outage
from septet_kit.messaging.retry import with_retry
from septet_kit.testing import context


class Flaky:
    """Fails ``failures`` times, then returns the number of calls."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or Transient("down", "not there")
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return self.calls


async def test_transient_is_tried_again() -> None:
    assert await with_retry(Flaky(2), context(), 3) == (3, 3)


async def test_attempts_are_bounded() -> None:
    work = Flaky(5)
    with pytest.raises(Transient):
        await with_retry(work, context(), 3)
    assert work.calls == 3


async def test_an_outage_is_waited_for_and_uses_up_no_attempt() -> None:
    assert await with_retry(Flaky(4, Outage("store_unavailable", "away")), context(), 3) == (5, 5)


async def test_an_outage_does_not_outlast_the_deadline() -> None:
    ctx = context(expires=time.monotonic() + 0.3)
    with pytest.raises(DeadlineExceeded, match=r"not done within .*: away"):
        await with_retry(Flaky(1000, Outage("store_unavailable", "away")), ctx, 3)


async def test_only_an_outage_is_noted_for_the_watchdog() -> None:
    noted: list[str] = []
    assert (await with_retry(Flaky(2), context(), None, noted.append))[0] == 3
    assert noted == []
    outage = Outage("store_unavailable", "PostgreSQL is down")
    assert (await with_retry(Flaky(2, outage), context(), None, noted.append))[0] == 3
    assert noted == ["PostgreSQL is down"] * 2


async def test_permanent_is_not_tried_again() -> None:
    work = Flaky(1, Permanent("bad", "no"))
    with pytest.raises(Permanent):
        await with_retry(work, context(), 3)
    assert work.calls == 1


async def test_hanging_work_ends_at_the_budget() -> None:
    ctx = context(expires=time.monotonic() + 0.2)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await with_retry(lambda: asyncio.sleep(30), ctx, 3)
    assert time.monotonic() - started < 5


async def test_a_past_deadline_does_no_work() -> None:
    work = Flaky(0)
    with pytest.raises(TooLate):
        await with_retry(work, context(expires=time.monotonic() - 1), 3)
    assert work.calls == 0


async def test_a_timeout_of_the_work_itself_is_not_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        await with_retry(Flaky(1, TimeoutError("inner")), context(expires=time.monotonic() + 30), 1)
