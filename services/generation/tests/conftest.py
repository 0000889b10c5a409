"""Unit tests of generation: prompts and handlers, and its adapters on a scripted endpoint and on PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.support.database import Database

if TYPE_CHECKING:
    from septet_native.servers.postgres import Postgres


@dataclass
class Endpoint:
    """A scripted chat completions endpoint that records its calls.

    A ``status`` other than 200 returns an error. ``cut_after``, ``abort_after`` and ``hang_after`` count words:
    the stream then ends without a finish reason, breaks the connection, or stalls. ``pause`` is the number of
    seconds between words. ``fail_first`` is the number of calls that fail first.
    """

    answer: str = "A deque is a double-ended queue [1]."
    status: int = 200
    code: str | None = None
    cut_after: int | None = None
    abort_after: int | None = None
    hang_after: int | None = None
    stream_error: bool = False
    usage: bool = True
    pause: float = 0.0
    fail_first: int = 0
    calls: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    disconnected: int = 0
    url: str = ""

    async def complete(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        self.calls.append(await request.json())
        self.headers.append(dict(request.headers))
        failing = len(self.calls) <= self.fail_first
        status = 503 if failing else self.status
        if status != 200:
            return JSONResponse(
                {"error": {"message": "scripted error", "code": self.code}}, status_code=status
            )
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[bytes]:
        try:
            words = self.answer.split(" ")
            for n, word in enumerate(words):
                if n == self.cut_after:
                    return
                if n == self.abort_after:
                    raise ConnectionAbortedError("scripted abort")
                if n == self.hang_after:
                    await asyncio.sleep(60)
                yield _event({"choices": [_choice(word + (" " if n + 1 < len(words) else ""))]})
                await asyncio.sleep(self.pause)
            if self.stream_error:
                yield b'data: {"error": {"message": "out of memory", "code": 500}}\n\n'
                return
            yield _event({"choices": [_choice("", "stop")]})
            if self.usage:
                yield _event({"choices": [], "usage": _usage(20, len(words))})
            yield b"data: [DONE]\n\n"
        except (asyncio.CancelledError, GeneratorExit):
            self.disconnected += 1
            raise


def _choice(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _event(body: dict[str, Any]) -> bytes:
    whole = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "tiny-1", **body}
    return f"data: {json.dumps(whole, ensure_ascii=False)}\n\n".encode()


@contextlib.asynccontextmanager
async def serve(endpoint: Endpoint) -> AsyncIterator[Endpoint]:
    """Run the server on a free loopback port."""
    app = Starlette(routes=[Route("/v1/chat/completions", endpoint.complete, methods=["POST"])])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
        task = asyncio.ensure_future(server.serve(sockets=[listener]))
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        endpoint.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        try:
            yield endpoint
        finally:
            server.should_exit = True
            server.force_exit = True
            await task


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """A model endpoint without faults."""
    async with serve(Endpoint()) as running:
        yield running


@pytest.fixture
async def second_endpoint() -> AsyncIterator[Endpoint]:
    """The endpoint of a fallback model."""
    async with serve(Endpoint(answer="A second opinion.")) as running:
        yield running


@pytest.fixture(scope="session")
async def database(postgres_server: Postgres) -> Database:
    """The schema of generation."""
    return await Database.migrated(postgres_server, "generation")
