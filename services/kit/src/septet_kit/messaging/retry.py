"""In-place retry of transient failures, within the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from septet_kit.context import Context
from septet_kit.errors import DeadlineExceeded, Outage, TooLate, Transient
from septet_kit.observe import metrics
from septet_kit.observe.logs import get_logger

R = TypeVar("R")
log = get_logger()

_wait = wait_random_exponential(multiplier=0.1, max=5.0)  # "full jitter"


async def with_retry(
    work: Callable[[], Awaitable[R]],
    ctx: Context,
    attempts: int | None,
    note_outage: Callable[[str], None] = lambda _: None,
) -> tuple[R, int]:
    """Run ``work`` until it succeeds; returns its result and the number of tries.

    A try that met an :class:`Outage` is none of the ``attempts``; ``note_outage`` is called with its message.

    Raises:
        TooLate: the request's deadline has passed already.
        DeadlineExceeded: nothing is left of the step's budget or of the request's deadline.
        Transient: the last try failed. Any other error is raised at once.
    """
    left = ctx.remaining()
    if left <= 0:
        raise TooLate("the deadline had passed before this step began")
    why = ""
    try:
        async with asyncio.timeout(None if left == float("inf") else left) as scope:
            try:
                return await work(), 1
            except Transient as error:
                why = f": {error.message}"
                return await _again(work, error, ctx, attempts, note_outage)
    except TimeoutError:
        if scope.expired():
            raise DeadlineExceeded(f"not done within {left:.1f} s{why}") from None
        raise


async def _again(
    work: Callable[[], Awaitable[R]],
    first: Transient,
    ctx: Context,
    attempts: int | None,
    note_outage: Callable[[str], None],
) -> tuple[R, int]:
    """Retry after a first try that failed. Nearly every record needs one try, and none of this machinery."""
    tries = failures = 0

    def spent(state: RetryCallState) -> bool:
        nonlocal failures
        failures += not isinstance(_error(state), Outage)
        return attempts is not None and failures >= attempts

    def note(state: RetryCallState) -> None:
        error = _error(state)
        if isinstance(error, Outage):
            note_outage(error.message)
        metrics.retries.labels(ctx.topic).inc()
        log.warning("retrying", topic=ctx.topic, attempt=state.attempt_number, error=str(error))

    async for attempt in AsyncRetrying(
        stop=spent,
        wait=_wait,
        retry=retry_if_exception_type(Transient),
        before_sleep=note,
        reraise=True,
    ):
        with attempt:
            tries += 1
            if tries == 1:
                raise first
            result = await work()
    return result, tries


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
