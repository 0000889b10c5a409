"""Runs a service without one of its safeguards: ``python -m tests.chaos.weakened SERVICE WEAKNESS``.

The product has no switch that weakens it. This launcher replaces what stands for the safeguard in its own process
and then runs the service as its own ``__main__`` does. What it looks for and does not find is an error at the start:
a weakness that weakens nothing would prove that nothing is needed.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

GUARD = "WHERE requests.state = 'pending' AND requests.digest = $4"


def _ack_first() -> None:
    """An offset may be committed as soon as its record is taken, as with a consumer that commits by itself."""
    from septet_kit.messaging.offsets import OffsetTracker

    begin, finish = OffsetTracker.begin, OffsetTracker.finish

    def taken(self: OffsetTracker, offset: int) -> None:
        begin(self, offset)
        finish(self, offset)

    def finished(self: OffsetTracker, offset: int) -> None:
        """Nothing is left to note."""

    OffsetTracker.begin = taken  # type: ignore[method-assign]
    OffsetTracker.finish = finished  # type: ignore[method-assign]


def _no_inbox() -> None:
    """Every delivery of a feedback event counts as its first."""
    from septet_feedback import handlers

    once = getattr(handlers, "once")  # noqa: B009 - a name that the module imports

    @asynccontextmanager
    async def forgetful(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        async with once(*args, **kwargs) as unit:
            unit.first = True
            yield unit

    setattr(handlers, "once", forgetful)  # noqa: B010 - as above


def _no_compare_and_set() -> None:
    """Whatever outcome comes is released, whether or not one was before."""
    from septet_eval.adapters import postgres

    strip(postgres, "_RELEASE", GUARD)


def strip(module: ModuleType, name: str, text: str) -> None:
    """Remove ``text`` from the statement, or from each of the statements, that ``module`` holds as ``name``.

    Raises:
        AttributeError: the module has no such statement, or one of the statements no such text.
    """
    held: str | tuple[str, ...] = getattr(module, name)
    statements = (held,) if isinstance(held, str) else held
    if not statements or any(s.count(text) != 1 for s in statements):
        raise AttributeError(f"{module.__name__}.{name} does not hold {text!r} once")
    weak = tuple(s.replace(text, "") for s in statements)
    setattr(module, name, weak[0] if isinstance(held, str) else weak)


WEAKNESSES: dict[str, Callable[[], None]] = {
    "ack_first": _ack_first,
    "no_inbox": _no_inbox,
    "no_compare_and_set": _no_compare_and_set,
}


def main(service: str, weakness: str) -> None:
    """Take the safeguard away, then run the service."""
    WEAKNESSES[weakness]()
    sys.argv = [service]
    runpy.run_module(f"septet_{service}", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
