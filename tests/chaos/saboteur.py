"""Runs a service with a fault built in: ``python -m tests.chaos.saboteur SERVICE FAULT [NTH]``.

The product has no switch that weakens it. This launcher replaces functions of the chassis in its own process and
then runs the service as its own ``__main__`` does. A *failpoint* ends the process as ``kill -9`` does, the ``NTH``
time that a step's boundary is reached.

A name that the chassis no longer has is an ``AttributeError`` at the start, not a fault that never strikes.
"""

from __future__ import annotations

import functools
import os
import runpy
import signal
import sys
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer
from septet_kit.messaging.step import StepRunner
from septet_kit.store import outbox

Strike = Callable[[], None]


def _nth(number: int) -> Strike:
    """Ends the process at the ``number``-th call."""
    left = number

    def strike() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return strike


def _sometimes(strike: Strike) -> Strike:
    """Every second time, by the process id: a life that always ends in the same place would never get past it."""

    def maybe() -> None:
        if os.getpid() % 2:
            strike()

    return maybe


def _in_sweeper(strike: Strike) -> None:
    """Leaves rows behind, and then dies with a row claimed, looked up on the log and not yet sent or marked."""
    _around(StepRunner, "_outcome", after=strike)
    _around(outbox, "find_sent", after=_sometimes(_nth(1)))


def _around(owner: Any, name: str, before: Strike | None = None, after: Strike | None = None) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before()
        result = await original(*args, **kwargs)
        if after is not None:
            after()
        return result

    setattr(owner, name, wrapped)


FAILPOINTS: dict[str, Callable[[Strike], None]] = {
    "before_effect": lambda strike: _around(StepRunner, "_outcome", before=strike),
    "after_effect": lambda strike: _around(StepRunner, "_outcome", after=strike),
    "after_publish": lambda strike: _around(StepRunner, "_send", after=strike),
    "before_commit": lambda strike: _around(AIOKafkaConsumer, "commit", before=strike),
    "in_sweeper": _in_sweeper,
}


def main(service: str, fault: str, number: str = "1") -> None:
    """Build the fault in, then run the service."""
    FAILPOINTS[fault](_nth(int(number)))
    sys.argv = [service]
    runpy.run_module(f"septet_{service}", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
