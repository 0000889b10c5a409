"""A clock that jumps: a test of an hour takes no time, and always goes the same way."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec

P = ParamSpec("P")


class _Jump(selectors.DefaultSelector):
    """Never waits: the time that it would have waited for passes at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("the test waits for something that cannot happen any more")
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock starts at zero, and moves on to the next timer when nothing else is to be done."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Simulated seconds since the start."""
        return self._jump.now


def simulated(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run a test on a :class:`SimulatedLoop` of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
            runner.run(main())

    return run


def now() -> float:
    """Simulated seconds since the start."""
    return asyncio.get_running_loop().time()


async def turns(count: int = 20) -> None:
    """Let everything run that is ready, without time passing."""
    for _ in range(count):
        await asyncio.sleep(0)


async def ended(task: asyncio.Future[Any]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
