"""A scene about the gateway: one question over HTTP, whole and streamed, with the ``openai`` package."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from openai import AsyncOpenAI, AuthenticationError

from septet_cli.demo.scenes_answers import FIRST
from septet_cli.demo.session import Session

QUESTION: Any = {"model": "septet", "messages": [{"role": "user", "content": FIRST}]}
BYPASS = {"septet": {"cache": {"use": "bypass"}}}


async def openai_api(s: Session) -> None:
    """A question over the OpenAI-compatible API, from the cache and then generated again as a stream."""
    s.scene("The same question over the OpenAI-compatible API, with the openai package")
    async with AsyncOpenAI(base_url=s.api_url, api_key=s.api_key, timeout=70, max_retries=0) as client:
        await _ask_whole(s, client)
        await _ask_as_stream(s, client)
        status = await _status_of_guessed_key(client)
        s.checks.that("guessed key refused", status == 401, expected="401", got=status)


async def _ask_whole(s: Session, client: AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(**QUESTION)
    choice = whole.choices[0]
    s.note(f"client.chat.completions.create(…) → {choice.finish_reason}: {choice.message.content}")
    details: dict[str, Any] = (choice.message.model_extra or {}).get("septet", {})
    s.checks.that(
        "answered over HTTP, with sources",
        choice.finish_reason == "stop" and bool(choice.message.content) and bool(details.get("sources")),
        expected="finish_reason stop, a text and sources",
        got=whole.model_dump(),
    )


async def _ask_as_stream(s: Session, client: AsyncOpenAI) -> None:
    started, first, request_id = perf_counter(), 0.0, ""
    texts: list[str] = []
    finish: str | None = None
    async for chunk in await client.chat.completions.create(**QUESTION, stream=True, extra_body=BYPASS):
        for choice in chunk.choices:
            if choice.delta.content:
                first = first or perf_counter() - started
                texts.append(choice.delta.content)
            finish = choice.finish_reason or finish
            request_id = (chunk.model_extra or {}).get("septet", {}).get("request_id", request_id)
    took = perf_counter() - started
    s.note(f"stream=True → first checked text after {first:.2f} s of {took:.2f} s, in {len(texts)} pieces")
    released = await client.get(f"/septet/responses/{request_id}", cast_to=object)
    answer = released.get("answer") if isinstance(released, dict) else None
    s.checks.that(
        "streamed over HTTP: the pieces are the released answer",
        finish == "stop" and "".join(texts) == answer,
        expected=str(answer),
        got="".join(texts),
    )


async def _status_of_guessed_key(client: AsyncOpenAI) -> int:
    try:
        await client.with_options(api_key="sk-septet-guessed").chat.completions.create(**QUESTION)
    except AuthenticationError as error:
        return error.status_code
    return 200
