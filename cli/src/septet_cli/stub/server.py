"""HTTP server of the stub model: OpenAI chat completions, streamed or not."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from septet_cli.stub.answers import answer


@dataclass(frozen=True)
class StubOptions:
    """Behaviour of the stub.

    Attributes:
        port: port on loopback; 0 picks a free one.
        latency_ms: milliseconds before the first token.
        tokens_per_s: tokens per second; 0 sends all at once.
        fail_rate: share of calls that fail with status 503, spread evenly.
        hang: accept calls and never respond.
        sentences: sentences of an answer; with more than one, the first ones of the passage.
        says: answer to every question instead of a quotation: plays a broken prompt.
    """

    port: int = 0
    latency_ms: float = 0
    tokens_per_s: float = 0
    fail_rate: float = 0
    hang: bool = False
    sentences: int = 1
    says: str | None = None


class Stub:
    """Answers calls and counts them. ``options`` may change while the server runs."""

    def __init__(self, options: StubOptions) -> None:
        self.calls = 0
        self.failed = 0
        self.options = options

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self.complete, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/calls", self.count),
                Route("/health", self.count),
            ]
        )

    async def models(self, _: Request) -> Response:
        """``GET /v1/models``."""
        return JSONResponse(
            {"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "septet"}]}
        )

    async def count(self, _: Request) -> Response:
        """``GET /calls``: number of calls and of failed calls."""
        return JSONResponse({"calls": self.calls, "failed": self.failed})

    async def complete(self, request: Request) -> Response:
        """``POST /v1/chat/completions``."""
        body = await request.json()
        self.calls += 1
        rate = self.options.fail_rate
        if int(self.calls * rate) > int((self.calls - 1) * rate):
            self.failed += 1
            return JSONResponse({"error": {"message": "failing on demand", "type": "server_error"}}, 503)
        while self.options.hang and not await request.is_disconnected():  # noqa: ASYNC110 - two conditions
            await asyncio.sleep(0.05)
        await asyncio.sleep(self.options.latency_ms / 1000)
        schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
        said = self.options.says or answer(body["messages"], schema, self.options.sentences)
        words = said.split(" ")
        tokens = [word if i == 0 else " " + word for i, word in enumerate(words)]
        usage = _usage(body["messages"], tokens)
        if body.get("stream"):
            return StreamingResponse(self._stream(body, tokens, usage), media_type="text/event-stream")
        await self._pause(len(tokens))
        message = {"role": "assistant", "content": "".join(tokens)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse(_chunk(body, self.calls, "chat.completion", [choice]) | {"usage": usage})

    async def _stream(
        self, body: dict[str, Any], tokens: list[str], usage: dict[str, int]
    ) -> AsyncIterator[str]:
        number = self.calls
        for token in tokens:
            await self._pause(1)
            yield _sse(_delta(body, number, {"role": "assistant", "content": token}, None))
        yield _sse(_delta(body, number, {}, "stop"))
        if (body.get("stream_options") or {}).get("include_usage"):
            yield _sse(_chunk(body, number, "chat.completion.chunk", []) | {"usage": usage})
        yield "data: [DONE]\n\n"

    async def _pause(self, tokens: int) -> None:
        if self.options.tokens_per_s:
            await asyncio.sleep(tokens / self.options.tokens_per_s)


def _delta(body: dict[str, Any], number: int, delta: dict[str, str], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _chunk(body, number, "chat.completion.chunk", [choice])


def _chunk(body: dict[str, Any], number: int, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"stub-{number}",
        "object": kind,
        "created": 0,
        "model": body.get("model", "stub"),
        "choices": choices,
    }


def _sse(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _usage(messages: list[dict[str, Any]], tokens: list[str]) -> dict[str, int]:
    prompt = sum(len(str(m.get("content", "")).split()) for m in messages)
    return {"prompt_tokens": prompt, "completion_tokens": len(tokens), "total_tokens": prompt + len(tokens)}


@asynccontextmanager
async def serve_stub(options: StubOptions, stub: Stub | None = None) -> AsyncIterator[str]:
    """Serve on loopback inside the context; yields the base URL, which ends in ``/v1``.

    Args:
        options: port, and behaviour of a new stub.
        stub: an existing stub to serve.

    Raises:
        OSError: the port is in use.
    """
    listener = socket.create_server(("127.0.0.1", options.port))
    stub = stub or Stub(options)
    config = uvicorn.Config(stub.app(), log_level="warning", timeout_graceful_shutdown=1)
    server = _QuietServer(config)
    # The socket listens already; earlier calls wait in its queue until the server accepts them.
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        stub.options = replace(stub.options, hang=False)
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        listener.close()


class _QuietServer(uvicorn.Server):
    """A server that leaves signal handling to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield
