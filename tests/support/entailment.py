"""A scripted entailment model over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import log
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class EntailmentServer:
    """A scripted entailment model with the APIs of all kinds, which records its calls.

    Attributes:
        scores: of claims, by a part of their text; other claims have the score 0.9.
        status: of every response.
        garbage: replaces the body of every response.
        hangs: part of the text of claims that get no response.
        logprobs: whether chat completions have log-probabilities.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    status: int = 200
    garbage: str | None = None
    hangs: str | None = None
    logprobs: bool = True
    calls: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    pause: float = 0.0
    url: str = ""

    @property
    def claims(self) -> list[str]:
        """The claims of all calls."""
        return [_claim(call) for call in self.calls]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a call of any kind."""
        body = await request.json()
        self.calls.append(body)
        self.headers.append(dict(request.headers))
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            return await self._reply(request.path, body)
        finally:
            self.running -= 1

    async def _reply(self, path: str, body: dict[str, Any]) -> web.Response:
        claim = _claim(body)
        await asyncio.sleep(60 if self.hangs and self.hangs in claim else self.pause)
        if self.garbage is not None:
            return web.Response(text=self.garbage, status=self.status)
        score = next((score for part, score in self.scores.items() if part in claim), 0.9)
        if path.endswith("/chat/completions"):
            return web.json_response(_completion(score, self.logprobs), status=self.status)
        labels = [{"label": "ENTAILMENT", "score": score}, {"label": "NEUTRAL", "score": 1 - score}]
        return web.json_response(labels, status=self.status)


def _claim(body: dict[str, Any]) -> str:
    if "messages" in body:
        return str(json.loads(body["messages"][-1]["content"])["claim"])
    return str(body["hypothesis"] if "hypothesis" in body else body["inputs"][1])


def _completion(score: float, logprobs: bool) -> dict[str, Any]:
    word = "yes" if score >= 0.5 else "no"
    choice: dict[str, Any] = {"message": {"role": "assistant", "content": word}, "finish_reason": "stop"}
    if logprobs:
        tops = [{"token": "yes", "logprob": log(score)}, {"token": " No", "logprob": log(1 - score)}]
        choice["logprobs"] = {"content": [{"token": word, "logprob": -0.1, "top_logprobs": tops}]}
    usage = {"prompt_tokens": 90, "completion_tokens": 1, "total_tokens": 91}
    return {"id": "c-1", "model": "judge-1", "choices": [choice], "usage": usage}


@asynccontextmanager
async def serve_entailment() -> AsyncIterator[EntailmentServer]:
    """Serve a model that finds support for every claim."""
    scripted = EntailmentServer()
    app = web.Application()
    app.router.add_post("/{path:.*}", scripted.handle)
    async with TestServer(app) as server:
        scripted.url = str(server.make_url("/v1"))
        yield scripted
