"""A relay before a model server that notes when the first text of each call passes."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


class Relay:
    """Passes chat completions on to ``upstream``, which may be set after the start.

    Attributes:
        upstream: base URL of the model server.
        first: time of the first text since it was set to None, on the monotonic clock.
        calls: number of calls.
    """

    def __init__(self) -> None:
        self.upstream = ""
        self.url = ""
        self.first: float | None = None
        self.calls = 0
        self._client = httpx.AsyncClient(timeout=120)

    async def complete(self, request: Request) -> Response:
        """``POST /v1/chat/completions``."""
        self.calls += 1
        body = await request.body()
        asked = self._client.build_request(
            "POST",
            f"{self.upstream}/chat/completions",
            content=body,
            headers={"content-type": "application/json"},
        )
        response = await self._client.send(asked, stream=True)
        media = response.headers.get("content-type")
        return StreamingResponse(self._lines(response), status_code=response.status_code, media_type=media)

    async def _lines(self, response: httpx.Response) -> AsyncIterator[str]:
        try:
            async for line in response.aiter_lines():
                if self.first is None and _has_text(line):
                    self.first = time.monotonic()
                yield f"{line}\n"
        finally:
            await response.aclose()


def _has_text(line: str) -> bool:
    data = line.removeprefix("data: ")
    if data == line or data == "[DONE]":
        return False
    return any(choice["delta"].get("content") for choice in json.loads(data)["choices"])


@asynccontextmanager
async def serve_relay() -> AsyncIterator[Relay]:
    """Serve a relay on a free port of loopback."""
    relay = Relay()
    app = Starlette(routes=[Route("/v1/chat/completions", relay.complete, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    relay.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield relay
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        listener.close()
