"""Calls that end with their client's connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from septet_gateway.domain.errors import ApiError

Result = TypeVar("Result")


async def while_connected(
    request: Request, work: Coroutine[Any, Any, Result], on_disconnect: Callable[[], None] = lambda: None
) -> Result:
    """Await ``work``, and cancel it if the client disconnects. The request's body must have been read.

    Args:
        request: of the client.
        work: to await.
        on_disconnect: called after ``work`` was cancelled because of the client.

    Raises:
        ApiError: status 499, which no client receives.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(disconnected(request))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
    finally:
        for future in (task, gone):
            future.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
    on_disconnect()
    raise client_disconnected()


def client_disconnected() -> ApiError:
    """Status 499, which no client receives."""
    return ApiError(499, "the client has disconnected", code="client_disconnected")


async def disconnected(request: Request) -> None:
    """Wait until the client disconnects."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
