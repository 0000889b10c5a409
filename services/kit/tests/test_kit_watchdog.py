"""The watchdog: real progress feeds it, nothing else does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta

import pytest
from septet_kit.messaging.progress import Progress
from septet_kit.messaging.watchdog import Stuck, Watchdog

LIMIT = timedelta(seconds=30)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Consumer:
    def __init__(self, in_flight: int = 1, lag: int = 1) -> None:
        self.in_flight = in_flight
        self.behind = lag
        self.hangs = False
        self.kept = 0

    async def lag(self) -> int:
        if self.hangs:
            await asyncio.Event().wait()
        return self.behind

    def keep_trails(self) -> None:
        self.kept += 1


class Sender:
    failure: str | None = None
    blocked_s = 0.0


def watched(
    consumer: Consumer, budget: timedelta = timedelta(seconds=10)
) -> tuple[Watchdog, Sender, Progress, Clock]:
    clock, sender = Clock(), Sender()
    progress = Progress(clock)
    return Watchdog(consumer, sender, progress, LIMIT, budget, check_s=0.01), sender, progress, clock


async def test_work_without_progress_is_unhealthy_and_ends_the_process() -> None:
    consumer = Consumer()
    watchdog, _, _, clock = watched(consumer)
    await watchdog.check()
    assert watchdog.reason() is None
    clock.now += 31
    assert "no progress for 31 s" in (watchdog.reason() or "")
    with pytest.raises(Stuck, match="in flight 1"):
        await watchdog.check()
    assert consumer.kept == 1, "the record in flight may be why"


async def test_progress_and_idleness_keep_it_quiet() -> None:
    consumer = Consumer()
    watchdog, _, progress, clock = watched(consumer)
    clock.now += 29
    progress.beat()
    clock.now += 29
    await watchdog.check()
    consumer.in_flight = consumer.behind = 0
    for _ in range(5):
        clock.now += 25
        await watchdog.check()


async def test_lag_alone_is_work() -> None:
    watchdog, _, _, clock = watched(Consumer(in_flight=0, lag=3))
    clock.now += 31
    with pytest.raises(Stuck, match="lag 3"):
        await watchdog.check()


async def test_the_longest_budget_extends_the_limit() -> None:
    watchdog, _, _, clock = watched(Consumer(), timedelta(minutes=2))
    clock.now += 129
    await watchdog.check()
    clock.now += 2
    with pytest.raises(Stuck):
        await watchdog.check()


async def test_a_dead_producer_ends_the_process_at_once_with_its_reason() -> None:
    watchdog, sender, progress, _ = watched(Consumer(in_flight=0, lag=0))
    sender.failure = "ProducerFenced"
    progress.beat()
    assert "ProducerFenced" in (watchdog.reason() or "")
    with pytest.raises(Stuck, match="ProducerFenced"):
        await watchdog.check()
    assert watchdog._consumer.kept == 0, "no record is suspected"


async def test_blocked_publishing_is_unhealthy() -> None:
    watchdog, sender, _, _ = watched(Consumer())
    sender.blocked_s = 29.0
    assert watchdog.reason() is None
    sender.blocked_s = 31.0
    assert "blocked for 31 s" in (watchdog.reason() or "")


async def test_a_confirmed_outage_excuses_a_standstill_for_a_while() -> None:
    watchdog, _, progress, clock = watched(Consumer())
    for _ in range(20):
        clock.now += 14
        progress.note_outage("PostgreSQL is away")
        await watchdog.check()
        assert watchdog.reason() is None
    clock.now += 31
    assert watchdog.reason() is not None, "nobody has met the outage for a while"
    for _ in range(3):
        progress.note_outage("PostgreSQL is away")
        clock.now += 14
    with pytest.raises(Stuck):
        await _checked_for(watchdog, clock, progress)


async def _checked_for(watchdog: Watchdog, clock: Clock, progress: Progress | None = None) -> None:
    """Seven minutes of checks, in each of which an outage is met again if ``progress`` is given."""
    for _ in range(30):
        clock.now += 14
        if progress is not None:
            progress.note_outage("PostgreSQL is away")
        await watchdog.check()


async def test_a_broker_that_does_not_answer_is_an_outage_and_not_for_ever() -> None:
    consumer = Consumer()
    consumer.hangs = True
    watchdog, _, _, clock = watched(consumer)
    for _ in range(20):
        clock.now += 14
        await watchdog.check()
    with pytest.raises(Stuck):
        await _checked_for(watchdog, clock)


@pytest.mark.slow
def test_a_blocked_event_loop_ends_the_process() -> None:
    """A regular expression that never ends holds the interpreter, so that no thread of Python's runs."""
    program = """
import asyncio, re
from datetime import timedelta
from septet_kit.messaging.watchdog import LoopGuard

async def main():
    guard = asyncio.ensure_future(LoopGuard(timedelta(seconds=1.5)).run())
    await asyncio.sleep(0.1)
    re.match(r"(a+)+$", "a" * 60 + "b")

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "in main" in done.stderr
