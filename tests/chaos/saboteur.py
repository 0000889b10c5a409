"""Runs a service with faults built in: ``python -m tests.chaos.saboteur SERVICE PLAN [FIRST]``.

The product has no switch that weakens it. This launcher replaces functions of the chassis in its own process and
then runs the service as its own ``__main__`` does.

``PLAN`` names one fault per life of the instance, from life ``FIRST`` (``CHAOS_LIFE`` is the life's number) on:
``before_effect:3,after_publish:1``. A *failpoint* ends the process as ``kill -9`` does, the third time that this
boundary of a step is reached; with ``:stop`` behind it the process stops there (SIGSTOP) and may be continued. When
the plan is at its end, lives are as long as anybody else's. What is about to happen is written to standard error, so
that a scenario counts faults that struck, not faults that were wanted.

A name that the chassis no longer has is an ``AttributeError`` at the start, not a fault that never strikes.
"""

from __future__ import annotations

import functools
import os
import runpy
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from septet_kit.messaging.delivery import Delivery
from septet_kit.messaging.job import Job
from septet_kit.messaging.publisher import Publisher
from septet_kit.messaging.step import StepRunner
from septet_kit.store.ledger import Ledger
from septet_kit.store.outbox import Outbox

MARK = "saboteur:"
FATAL = "What ends a process?"
"""Question of the request that ``fatal_record`` dies of."""


@dataclass
class Strike:
    """Ends, or stops, the process at the ``left``-th call; each call says how much was in work."""

    point: str
    left: int = 1
    number: signal.Signals = signal.SIGKILL

    def __call__(self, amount: int = 1) -> None:
        self.left -= 1
        if self.left == 0:
            os.write(2, f"{MARK} {self.point} {amount}\n".encode())
            os.kill(os.getpid(), self.number)


Before = Callable[[tuple[Any, ...]], None]
After = Callable[[tuple[Any, ...], Any], None]


def _around(owner: Any, name: str, before: Before | None = None, after: After | None = None) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(args)
        result = await original(*args, **kwargs)
        if after is not None:
            after(args, result)
        return result

    setattr(owner, name, wrapped)


def _if_some(strike: Strike, amount: int) -> None:
    """A boundary is one of a step that has something to publish."""
    if amount:
        strike(amount)


def _before_release(strike: Strike) -> None:
    def before(args: tuple[Any, ...]) -> None:
        if args[1].stage.topic == "outcomes":
            strike()

    _around(StepRunner, "_outcome", before=before)


def _refuses(strike: Strike) -> None:
    """Not a failpoint: a bug that refuses all feedback, until a life without it."""
    original = StepRunner._admit

    def admit(self: StepRunner, job: Job) -> None:
        if job.stage.topic == "feedback":
            raise RuntimeError("a bug that is mended later")
        original(self, job)

    os.write(2, f"{MARK} {strike.point} 1\n".encode())
    StepRunner._admit = admit  # type: ignore[method-assign]


def _fatal_record(strike: Strike) -> None:
    """Not a failpoint: a bug that ends the process whenever a certain request is handled."""

    def before(args: tuple[Any, ...]) -> None:
        if getattr(args[1].event, "question", None) == FATAL:
            strike()

    _around(StepRunner, "_outcome", before=before)


FAILPOINTS: dict[str, Callable[[Strike], None]] = {
    "before_effect": lambda strike: _around(StepRunner, "_outcome", before=lambda _: strike()),
    # With an outbox, the effect and the outbox row are committed, and the record is not sent.
    "after_effect": lambda strike: _around(
        StepRunner, "_outcome", after=lambda _, r: _if_some(strike, len(r[0]))
    ),
    "after_publish": lambda strike: _around(
        Delivery, "deliver", after=lambda a, _: _if_some(strike, len(a[1]))
    ),
    "before_commit": lambda strike: _around(AIOKafkaConsumer, "commit", before=lambda a: strike(len(a[1]))),
    # Rows are claimed and have been looked for on the log; they are neither sent nor marked.
    "in_sweeper": lambda strike: _around(Publisher, "find_sent", after=lambda a, _: strike(len(a[1]))),
    # Rows are claimed and sent; they are not marked.
    "after_sweep": lambda strike: _around(Outbox, "sweep", after=lambda _, sent: _if_some(strike, sent)),
}
FAULTS: dict[str, Callable[[Strike], None]] = {
    **FAILPOINTS,
    "before_release": _before_release,
    # The result is paid for, and not in the ledger.
    "before_store": lambda strike: _around(Ledger, "_store", before=lambda _: strike()),
    "refuses": _refuses,
    "fatal_record": _fatal_record,
}


def build_in(plan: str, life: int) -> None:
    """Build in the fault that ``plan`` has for a life, if it has one."""
    steps = plan.split(",")
    if not 0 <= life < len(steps):
        return
    named = steps[life].split(":")
    point, nth, ending = (*named, *("1", "kill")[len(named) - 1 :])
    number = signal.SIGSTOP if ending == "stop" else signal.SIGKILL
    FAULTS[point](Strike(point, int(nth), number))


def main(service: str, plan: str, first: str = "0") -> None:
    """Build the life's fault in, then run the service."""
    build_in(plan, int(os.environ.get("CHAOS_LIFE", "0")) - int(first))
    sys.argv = [service]
    runpy.run_module(f"septet_{service}", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
