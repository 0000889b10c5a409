"""CPU work outside the event loop: large inputs go to a thread, small ones run inline.

A thread shares the interpreter lock with the loop. The loop gets the lock within a switch interval while Python code
runs, but not during a single C call (a regular expression, a JSON parser). Functions that run here must keep
such calls short. Nor may they mix Python code with calls that release the lock for a moment (tantivy's
``add_document``): the loop wakes too late at each release, and its wait for the lock begins anew.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 2
"""More threads would add nothing but waiting: one interpreter lock is shared by all."""

SWITCH_INTERVAL_S = 0.001
"""How long the loop waits for the lock; the interpreter's default of 5 ms adds up over a request's callbacks."""


class Offload:
    """Runs functions inline up to a size of input, and in a shared bounded pool of threads above it.

    ``inline`` is the greatest size that runs on the event loop, in the unit that the caller counts (characters or
    bytes). Choose it so that the worst input of that size takes less than 20 ms.
    """

    def __init__(self, inline: int) -> None:
        self.inline = inline

    async def __call__(self, size: int, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function`` with the current context variables and return its result.

        A cancelled call that has not started is dropped; one that runs in a thread runs to its end.
        """
        if size <= self.inline:
            return function(*args, **kwargs)
        call = partial(contextvars.copy_context().run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(_pool(), call)


@cache
def _pool() -> ThreadPoolExecutor:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return ThreadPoolExecutor(THREADS, thread_name_prefix="offload")
