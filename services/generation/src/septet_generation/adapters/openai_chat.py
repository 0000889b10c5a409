"""Chat completions over HTTP, for any endpoint that speaks OpenAI's API.

The client library of that API makes a checked object of every token; this reads the few fields that are used, for
a quarter of the processor time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import aiohttp
from opentelemetry import propagate
from septet_kit.endpoint import Endpoint

from septet_generation.adapters.model_errors import broken_stream, of_connection, of_status
from septet_generation.adapters.server_sent_events import EventDecoder
from septet_generation.domain.catalogue import Model
from septet_generation.domain.chat import ChatRequest, Delta

_DONE = b"[DONE]"
# A connection is used again once its response has been read to the end, which follows the last event at once.
_END_S = 0.1


class OpenAIChat:
    """One set of connections per endpoint and key; always streams, so that a cancelled call frees the server.

    Nothing is tried again here: a failed call is retried in one place, the chassis.
    """

    def __init__(self, connect_timeout: float = 3.0) -> None:
        self._connect_timeout = connect_timeout
        self._endpoints: dict[tuple[str, str], Endpoint] = {}

    async def aclose(self) -> None:
        """Close all connections."""
        for endpoint in self._endpoints.values():
            await endpoint.close()
        self._endpoints.clear()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """See :class:`septet_generation.ports.ChatModel`."""
        model = request.model
        finished = False
        try:
            async with self._post(request) as response:
                if response.status >= 400:
                    body = await response.read()
                    raise of_status(response.status, body, model, request.output_schema is not None)
                async with aclosing(_events(response.content)) as events:
                    async for data in events:
                        delta = _delta(data, model)
                        finished = finished or delta.finish_reason is not None
                        yield delta
        except aiohttp.ClientError as error:
            raise of_connection(error, model) from error
        if not finished:
            raise broken_stream(model, "broke off in mid-answer")

    def _post(self, request: ChatRequest) -> Any:
        timeout = aiohttp.ClientTimeout(
            sock_connect=min(self._connect_timeout, request.timeout), sock_read=request.timeout
        )
        body = json.dumps(_body(request), ensure_ascii=False).encode()
        return self._endpoint(request.model).post("/chat/completions", body, timeout, _trace_headers())

    def _endpoint(self, model: Model) -> Endpoint:
        key = (model.url, model.api_key.get_secret_value())
        if key not in self._endpoints:
            self._endpoints[key] = Endpoint(*key)
        return self._endpoints[key]


async def _events(content: aiohttp.StreamReader) -> AsyncGenerator[bytes, None]:
    """The data of the stream's events up to ``[DONE]``."""
    decoder = EventDecoder()
    async for piece in content.iter_any():
        for data in decoder.feed(piece):
            if data.startswith(_DONE):
                await _read_out(content)
                return
            yield data


async def _read_out(content: aiohttp.StreamReader) -> None:
    if not content.at_eof():
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(_END_S):
                await content.read()


def _body(request: ChatRequest) -> dict[str, Any]:
    model = request.model
    body: dict[str, Any] = {
        "model": model.model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        model.token_limit_field: request.max_tokens,
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
    return body | model.extra_body


def _delta(data: bytes, model: Model) -> Delta:
    """A chunk's first choice; the last chunk has none, only the usage.

    Raises:
        Transient: the endpoint reports an error in mid-answer, or what it sends is no chunk.
    """
    try:
        chunk = json.loads(data)
        if error := chunk.get("error"):
            raise broken_stream(model, str(error.get("message") if isinstance(error, dict) else error))
        choice = next(iter(chunk.get("choices") or ()), None) or {}
        usage = chunk.get("usage") or {}
        return Delta(
            text=(choice.get("delta") or {}).get("content") or "",
            finish_reason=choice.get("finish_reason"),
            response_model=chunk.get("model"),
            response_id=chunk.get("id"),
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
        )
    except (ValueError, AttributeError) as error:
        raise broken_stream(model, f"no chunk of a completion: {error}") from error


def _trace_headers() -> dict[str, str]:
    """W3C trace context, for endpoints that record spans of their own (vLLM does)."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers
