from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any

import pytest
from septet_generation.adapters.openai_chat import OpenAIChat
from septet_generation.domain.catalogue import Model
from septet_generation.domain.chat import ChatMessage, ChatRequest, Completion
from septet_kit import Permanent, SeptetError, Transient


def request(
    url: str, *, schema: dict[str, Any] | None = None, timeout: float = 5.0, **fields: Any
) -> ChatRequest:
    model = Model(model="tiny", url=url, **fields)
    return ChatRequest(model, (ChatMessage("user", "What is a deque?"),), 32, timeout, schema)


async def complete(req: ChatRequest) -> Completion:
    completion = Completion()
    async with aclosing(OpenAIChat()) as chat, aclosing(chat.stream(req)) as deltas:
        async for delta in deltas:
            completion.add(delta)
    return completion


async def test_a_completion_has_text_usage_and_names(endpoint: Any) -> None:
    completion = await complete(request(endpoint.url, stop=("\n\n",)))
    assert completion == Completion(
        endpoint.answer, "stop", "tiny-1", "c-1", 20, len(endpoint.answer.split())
    )
    (body,) = endpoint.calls
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert (body["model"], body["max_tokens"], body["temperature"], body["seed"]) == ("tiny", 32, 0.0, 0)
    assert body["stop"] == ["\n\n"]
    assert "response_format" not in body


async def test_korean_text_is_not_altered(endpoint: Any) -> None:
    endpoint.answer = "덱은 양쪽 끝이 열린 큐입니다 [1]."
    assert (await complete(request(endpoint.url))).text == endpoint.answer


async def test_the_models_settings_set_the_body_and_the_key(endpoint: Any) -> None:
    await complete(
        request(
            endpoint.url,
            temperature=None,
            seed=None,
            token_limit_field="max_completion_tokens",
            extra_body={"cache_prompt": True},
            api_key="sk-test",
        )
    )
    (body,) = endpoint.calls
    assert body["max_completion_tokens"] == 32
    assert body["cache_prompt"] is True
    assert not {"temperature", "seed", "max_tokens", "stop"} & body.keys()
    assert endpoint.headers[0]["authorization"] == "Bearer sk-test"


async def test_schema_asks_for_constrained_decoding(endpoint: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    await complete(request(endpoint.url, schema=schema, stop=("\n\n",)))
    (body,) = endpoint.calls
    assert body["response_format"]["json_schema"] == {"name": "answer", "schema": schema, "strict": True}
    assert "stop" not in body


async def test_without_usage_the_token_counts_are_zero(endpoint: Any) -> None:
    endpoint.usage = False
    completion = await complete(request(endpoint.url))
    assert (completion.text, completion.prompt_tokens) == (endpoint.answer, 0)


@pytest.mark.parametrize(
    ("status", "code", "kind", "expected"),
    [
        (400, None, Permanent, "model_rejected"),
        (401, None, Permanent, "model_unauthorized"),
        (403, None, Permanent, "model_unauthorized"),
        (404, None, Permanent, "model_not_found"),
        (422, None, Permanent, "model_rejected"),
        (408, None, Transient, "model_busy"),
        (429, None, Transient, "model_busy"),
        (429, "insufficient_quota", Permanent, "model_quota_exhausted"),
        (500, None, Transient, "model_error"),
        (503, None, Transient, "model_error"),
    ],
)
async def test_error_statuses_are_mapped(
    endpoint: Any, status: int, code: str | None, kind: type[SeptetError], expected: str
) -> None:
    endpoint.status, endpoint.code = status, code
    with pytest.raises(kind) as raised:
        await complete(request(endpoint.url))
    assert raised.value.code == expected
    assert "scripted error" in raised.value.message
    assert len(endpoint.calls) == 1, "the client must not retry"
    assert kind is Transient or raised.value.fix


async def test_a_rejected_schema_names_the_field(endpoint: Any) -> None:
    endpoint.status = 400
    with pytest.raises(Permanent) as raised:
        await complete(request(endpoint.url, schema={"type": "object"}))
    assert raised.value.code == "model_unsupported_schema"
    assert raised.value.field == "output_schema"


@pytest.mark.parametrize("how", ["cut_after", "abort_after", "stream_error"])
async def test_a_broken_stream_is_transient(endpoint: Any, how: str) -> None:
    setattr(endpoint, how, True if how == "stream_error" else 2)
    with pytest.raises(Transient) as raised:
        await complete(request(endpoint.url))
    assert raised.value.code in {"model_broken_stream", "model_unreachable"}


async def test_a_refused_connection_is_transient() -> None:
    with pytest.raises(Transient) as raised:
        await complete(request("http://127.0.0.1:9/v1"))
    assert raised.value.code == "model_unreachable"


async def test_a_stalled_stream_times_out(endpoint: Any) -> None:
    endpoint.hang_after = 0
    started = time.monotonic()
    with pytest.raises(Transient) as raised:
        await complete(request(endpoint.url, timeout=0.3))
    assert raised.value.code == "model_timeout"
    assert time.monotonic() - started < 2


async def test_cancelling_ends_the_request_on_the_server(endpoint: Any) -> None:
    endpoint.answer, endpoint.pause = "word " * 500, 0.02
    task = asyncio.ensure_future(complete(request(endpoint.url, timeout=30)))
    await asyncio.sleep(0.4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(3):
        while not endpoint.disconnected:  # noqa: ASYNC110 - the server's side is polled
            await asyncio.sleep(0.02)
