"""Where work runs, and what it takes along."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest
from septet_kit.offload import THREADS, Offload

OFFLOAD = Offload(inline=10)
_VARIABLE: ContextVar[str] = ContextVar("_VARIABLE", default="")


async def test_small_input_stays_on_the_loop() -> None:
    assert await OFFLOAD(10, threading.get_ident) == threading.get_ident()


async def test_large_input_goes_to_a_thread() -> None:
    assert await OFFLOAD(11, threading.get_ident) != threading.get_ident()


@pytest.mark.parametrize("size", [1, 100])
async def test_passes_arguments_results_and_exceptions(size: int) -> None:
    assert await OFFLOAD(size, divmod, 7, 2) == (3, 1)
    assert await OFFLOAD(size, int, "ff", base=16) == 255
    with pytest.raises(ZeroDivisionError):
        await OFFLOAD(size, divmod, 7, 0)


async def test_context_variables_travel() -> None:
    _VARIABLE.set("request")
    assert await OFFLOAD(100, _VARIABLE.get) == "request"


async def test_the_loop_runs_while_a_thread_works() -> None:
    release = threading.Event()
    working = asyncio.ensure_future(OFFLOAD(100, release.wait, 10))
    await asyncio.sleep(0)
    assert not working.done()
    release.set()
    assert await working


async def test_at_most_so_many_at_once_and_a_cancelled_call_in_the_queue_is_dropped() -> None:
    release, started = threading.Event(), []

    def work(number: int) -> None:
        started.append(number)
        release.wait(10)

    calls = [asyncio.ensure_future(OFFLOAD(100, work, number)) for number in range(THREADS + 1)]
    while len(started) < THREADS:  # noqa: ASYNC110 - threads have no event to await
        await asyncio.sleep(0.001)
    calls[-1].cancel()
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert await OFFLOAD(100, sorted, started) == list(range(THREADS))
