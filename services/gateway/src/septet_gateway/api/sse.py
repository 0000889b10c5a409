"""Server-sent events in the form of OpenAI's chat completion chunks.

An event has no ``id:`` line, and a keep-alive is a chunk with an empty delta: a comment after an id breaks the Python
client, and any comment breaks the Go client.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from septet_contracts import Response as Released
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from septet_gateway.api.errors import of_exception
from septet_gateway.domain.completion import Completion, opening, waiting

HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
DONE = b"data: [DONE]\n\n"


class EventStream(StreamingResponse):
    """A stream that closes its generator when the client disconnects; Starlette leaves it to the collector."""

    def __init__(self, events: AsyncIterator[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(events, headers={**HEADERS, **headers}, media_type="text/event-stream")
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):  # type: ignore[type-var]
            await super().__call__(scope, receive, send)


def event(body: Mapping[str, Any]) -> bytes:
    """One event."""
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


async def completion_events(
    asked: asyncio.Future[Released],
    complete: Callable[[Released], Completion],
    *,
    request_id: str,
    model: str,
    include_usage: bool,
    keep_alive: float,
) -> AsyncIterator[bytes]:
    """The events of a streamed completion: role, keep-alives until the answer is released, answer, end.

    A failure becomes an event with a top-level ``error``, on which clients raise.
    """
    created = int(time.time())
    try:
        yield event(opening(request_id, created, model))
        while not asked.done():
            await asyncio.wait([asked], timeout=keep_alive)
            if not asked.done():
                yield event(waiting(request_id, created, model))
        try:
            chunks = list(complete(asked.result()).chunks(include_usage=include_usage))
        except Exception as error:
            yield event(of_exception(error).envelope)
        else:
            for chunk in chunks:
                yield event({**chunk, "created": created})
        yield DONE
    finally:
        if asked.cancel():
            await asyncio.wait([asked])
