"""LiteLLM on the gateway, as an OpenAI-compatible endpoint."""

from __future__ import annotations

import os

import litellm
import pytest

MESSAGES = [{"role": "user", "content": "How many days of leave does an employee of Harbour have?"}]
ENDPOINT = {"api_base": os.environ["OPENAI_BASE_URL"], "api_key": os.environ["OPENAI_API_KEY"]}


def test_a_completion() -> None:
    answer = litellm.completion(model="openai/septet", messages=MESSAGES, **ENDPOINT)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_stream() -> None:
    stream = await litellm.acompletion(
        model="openai/septet",
        messages=MESSAGES,
        stream=True,
        stream_options={"include_usage": True},
        **ENDPOINT,
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert any(getattr(chunk, "usage", None) for chunk in chunks)


def test_embeddings() -> None:
    made = litellm.embedding(model="openai/text-embedding-3-small", input=["leave", "휴가"], **ENDPOINT)
    assert len({len(item["embedding"]) for item in made.data}) == 1


def test_an_error_keeps_its_kind() -> None:
    with pytest.raises(litellm.NotFoundError):
        litellm.completion(model="openai/none", messages=MESSAGES, **ENDPOINT)
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(model="openai/septet", messages=MESSAGES, **{**ENDPOINT, "api_key": "sk-none"})
