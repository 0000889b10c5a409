"""A judge's endpoint in memory, and shorthands, for the tests of judges."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from septet_experiments.judges import ChatEndpoint, EndpointSettings, Item, JudgeModel, Reply

JUDGE = JudgeModel("judge-large")


def completion(text: str, **choice: Any) -> dict[str, Any]:
    """Body of a chat completion."""
    return {
        "model": "judge-large-2026",
        "choices": [{"message": {"content": text}, "finish_reason": "stop"} | choice],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20},
    }


def endpoint(answer: Callable[[dict[str, Any]], httpx.Response], **settings: Any) -> ChatEndpoint:
    """A client whose calls ``answer`` answers; it never sleeps longer than it is told to note."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def handle(request: httpx.Request) -> httpx.Response:
        return answer(json.loads(request.content) | {"headers": request.headers})

    made = ChatEndpoint(
        EndpointSettings(**settings),
        transport=httpx.MockTransport(handle),
        sleep=sleep,
        jitter=lambda low, high: high,
    )
    made.waits = waits  # type: ignore[attr-defined]
    return made


def item(**changes: Any) -> Item:
    fields: dict[str, Any] = {"question": "What is a deque?", "answer": "A double-ended queue [1]."}
    return Item(**(fields | changes))


def reply(text: str) -> Reply:
    return Reply(text=text)
