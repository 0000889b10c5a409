"""Server-sent events in the forms of OpenAI's APIs.

An event has no ``id:`` line, and a keep-alive is an event without effect: a comment after an id breaks the Python
client, and any comment breaks the Go client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, aclosing
from itertools import chain
from typing import Any, ClassVar, Protocol

from septet_contracts import Response as Released
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from septet_gateway.api.connection import client_disconnected, disconnected
from septet_gateway.api.errors import of_exception
from septet_gateway.application.partials import Partial
from septet_gateway.domain.errors import ApiError

HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
DONE = b"data: [DONE]\n\n"


class Script(Protocol):
    """What a stream says."""

    ENDS_WITH_DONE: ClassVar[bool]

    def check(self, response: Released) -> None:
        """Raise an ``ApiError`` if a response has no answer."""
        ...

    def opening(self) -> Iterator[Mapping[str, Any]]:
        """The first events."""
        ...

    def waiting(self) -> Mapping[str, Any]:
        """An event that keeps a connection open."""
        ...

    def partial(self, text: str) -> Iterator[Mapping[str, Any]]:
        """The events with what is new in the answer so far."""
        ...

    def answer(self, response: Released) -> Iterator[Mapping[str, Any]]:
        """The events that complete the stream."""
        ...

    def failure(self, error: ApiError) -> Mapping[str, Any]:
        """The event of an error."""
        ...


class EventStream(StreamingResponse):
    """A stream that closes its generator when the client disconnects; Starlette leaves it to the collector."""

    def __init__(
        self,
        events: AsyncIterator[bytes],
        headers: Mapping[str, str],
        asked: asyncio.Future[Released],
        on_disconnect: Callable[[], None],
    ) -> None:
        super().__init__(events, headers={**HEADERS, **headers}, media_type="text/event-stream")
        self._events = events
        self._asked = asked
        self._on_disconnect = on_disconnect
        self._is_disconnected = False
        self._held = ExitStack()

    def hold(self, held: ExitStack) -> None:
        """Close ``held`` when the stream ends."""
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            async with aclosing(self._events):  # type: ignore[type-var]
                await super().__call__(scope, receive, send)
        if self._is_disconnected:
            # The generator may have been closed before it began, and then it has not cancelled the wait.
            self._asked.cancel()
            await asyncio.gather(self._asked, return_exceptions=True)
            if self._asked.cancelled():
                self._on_disconnect()

    async def listen_for_disconnect(self, receive: Receive) -> None:
        """Wait until the client disconnects, and note it. A server that stops cancels the stream instead."""
        await super().listen_for_disconnect(receive)
        self._is_disconnected = True


def event(body: Mapping[str, Any]) -> bytes:
    """One event. The events of the Responses API also have their type as the event's name."""
    name = f"event: {body['type']}\n" if "type" in body else ""
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"{name}data: {data}\n\n".encode()


async def stream(
    request: Request,
    ask: Coroutine[Any, Any, Released],
    script: Script,
    keep_alive: float,
    headers: Mapping[str, str],
    partial: Partial,
    on_disconnect: Callable[[], None],
) -> EventStream:
    """Answer with a stream.

    Args:
        request: of the client.
        ask: waits for the response.
        script: makes the events.
        keep_alive: seconds between events that keep the connection open.
        headers: of the answer.
        partial: the text that is released before the response.
        on_disconnect: called if the client disconnects before the response, after ``ask`` was cancelled.

    Raises:
        Exception: an error before the first text or keep-alive has its own HTTP status.
    """
    task = asyncio.ensure_future(ask)
    gone = asyncio.ensure_future(disconnected(request))
    try:
        await _next(task, partial, keep_alive, gone)
        if task.done():
            script.check(task.result())
        elif gone.done():
            raise client_disconnected()
    except BaseException:
        task.cancel()
        # The error of this call is raised, not the one with which the task ends.
        await asyncio.gather(task, return_exceptions=True)
        if task.cancelled() and gone.done():
            on_disconnect()
        raise
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    return EventStream(_events(task, script, keep_alive, partial), headers, task, on_disconnect)


async def _next(
    asked: asyncio.Future[Released], partial: Partial, limit: float, *others: asyncio.Future[Any]
) -> None:
    """Wait for the response, for more text or for one of ``others``, at most ``limit`` seconds."""
    arrival = asyncio.ensure_future(partial.arrival())
    first: list[asyncio.Future[Any]] = [asked, arrival, *others]
    try:
        await asyncio.wait(first, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    finally:
        arrival.cancel()


async def _events(
    asked: asyncio.Future[Released], script: Script, keep_alive: float, partial: Partial
) -> AsyncIterator[bytes]:
    """The events of a stream: opening, text and keep-alives until the answer is released, its rest, end."""
    try:
        # Bodies are encoded at once, because they may repeat large parts of the call's body.
        for opening in map(event, chain(script.opening(), script.partial(partial.text))):
            yield opening
        while not asked.done():
            await _next(asked, partial, keep_alive)
            if not asked.done():
                for encoded in [*map(event, script.partial(partial.text))] or [event(script.waiting())]:
                    yield encoded
        try:
            bodies = list(script.answer(asked.result()))
        except Exception as error:
            bodies = [script.failure(of_exception(error))]
        for body in bodies:
            yield event(body)
        if script.ENDS_WITH_DONE:
            yield DONE
    finally:
        if asked.cancel():
            await asyncio.wait([asked])
