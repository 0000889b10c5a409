"""Chat completions over HTTP, for any endpoint that speaks OpenAI's API."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from openai import AsyncOpenAI, AsyncStream, OpenAIError, Timeout
from openai.types.chat import ChatCompletionChunk
from opentelemetry import propagate
from septet_kit.errors import Transient

from septet_generation.adapters.model_errors import to_septet_error
from septet_generation.domain.catalogue import Model
from septet_generation.domain.chat import ChatRequest, Delta


class OpenAIChat:
    """One HTTP client per endpoint and key; always streams, so that a cancelled call frees the server.

    The client library's own retries are off: a failed call is retried in one place, the chassis.
    """

    def __init__(self, connect_timeout: float = 3.0) -> None:
        self._connect_timeout = connect_timeout
        self._clients: dict[tuple[str, str], AsyncOpenAI] = {}

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """See :class:`septet_generation.ports.ChatModel`."""
        model = request.model
        finished = False
        try:
            chunks = await self._open(request)
            async with chunks:
                async for chunk in chunks:
                    delta = _delta(chunk)
                    finished = finished or delta.finish_reason is not None
                    yield delta
        except OpenAIError as error:
            raise to_septet_error(error, model, request.output_schema is not None) from error
        except json.JSONDecodeError as error:
            raise Transient("model_broken_stream", f"{model.model} at {model.url}: {error}") from error
        if not finished:
            raise Transient("model_broken_stream", f"{model.model} at {model.url} broke off in mid-answer")

    async def _open(self, request: ChatRequest) -> AsyncStream[ChatCompletionChunk]:
        timeout = Timeout(request.timeout, connect=min(self._connect_timeout, request.timeout))
        client = self._client(request.model).with_options(timeout=timeout)
        chunks: AsyncStream[ChatCompletionChunk] = await client.chat.completions.create(**_body(request))
        return chunks

    def _client(self, model: Model) -> AsyncOpenAI:
        key = (model.url, model.api_key.get_secret_value())
        if key not in self._clients:
            self._clients[key] = AsyncOpenAI(base_url=key[0], api_key=key[1], max_retries=0)
        return self._clients[key]


def _body(request: ChatRequest) -> dict[str, Any]:
    model = request.model
    body: dict[str, Any] = {
        "model": model.model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        model.token_limit_field: request.max_tokens,
        "extra_headers": _trace_headers(),
        "extra_body": model.extra_body,
    }
    if model.temperature is not None:
        body["temperature"] = model.temperature
    if model.seed is not None:
        body["seed"] = model.seed
    if model.stop and request.output_schema is None:
        body["stop"] = list(model.stop)
    if request.output_schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {
                "name": "answer", "schema": request.output_schema, "strict": model.strict_schema,
            },
        }  # fmt: skip
    return body


def _delta(chunk: ChatCompletionChunk) -> Delta:
    """A chunk's first choice; the last chunk has none, only the usage."""
    usage = chunk.usage
    choice = chunk.choices[0] if chunk.choices else None
    return Delta(
        text=(choice.delta.content or "") if choice else "",
        finish_reason=choice.finish_reason if choice else None,
        response_model=chunk.model,
        response_id=chunk.id,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
    )


def _trace_headers() -> dict[str, str]:
    """W3C trace context, for endpoints that record spans of their own (vLLM does)."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers
