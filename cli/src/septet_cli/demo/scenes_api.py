"""A scene about the gateway: one question over HTTP, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import httpx

from septet_cli.demo.scenes_answers import FIRST
from septet_cli.demo.session import Session

PATH = "/chat/completions"


async def openai_api(s: Session) -> None:
    """A question over the OpenAI-compatible API."""
    s.scene("The same question over the OpenAI-compatible API")
    body = {"model": "septet", "messages": [{"role": "user", "content": FIRST}]}
    headers = {"authorization": f"Bearer {s.api_key}"}
    async with httpx.AsyncClient(base_url=s.api_url, headers=headers, timeout=70) as client:
        whole = (await client.post(PATH, json=body)).json()
        streamed = (await client.post(PATH, json={**body, "stream": True})).text
        refused = await client.post(PATH, json=body, headers={"authorization": "Bearer sk-septet-guessed"})
    choice = whole.get("choices", [{}])[0]
    text = choice.get("message", {}).get("content", "")
    s.note(f"POST /v1{PATH} → {choice.get('finish_reason')}: {text}")
    sources = choice.get("message", {}).get("septet", {}).get("sources", [])
    s.checks.that(
        "answered over HTTP, with sources",
        choice.get("finish_reason") == "stop" and bool(text) and bool(sources),
        expected="finish_reason stop, a text and sources",
        got=whole,
    )
    s.checks.that(
        "streamed over HTTP, the same answer",
        streamed.endswith("data: [DONE]\n\n") and _text(streamed) == text,
        expected=text,
        got=_text(streamed),
    )
    s.checks.that("guessed key refused", refused.status_code == 401, expected="401", got=refused.status_code)


def _text(events: str) -> str:
    """The text of a stream's deltas."""
    chunks: list[dict[str, Any]] = [
        json.loads(e.removeprefix("data: ")) for e in events.split("\n\n") if e.startswith("data: {")
    ]
    return "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c.get("choices"))
