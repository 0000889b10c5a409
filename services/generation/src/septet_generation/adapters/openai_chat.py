"""Chat completions over HTTP, for any endpoint with OpenAI's API.

OpenAI's client library validates an object for every token. This module reads only the fields it needs, in a
quarter of the CPU time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import aiohttp
from opentelemetry import propagate
from septet_kit.openai_http import Endpoint

from septet_generation.adapters.model_errors import broken_stream, error_from_connection, error_from_status
from septet_generation.adapters.server_sent_events import EventDecoder
from septet_generation.domain.catalogue import Model
from septet_generation.domain.chat import ChatRequest, Delta

_DONE = b"[DONE]"
# A connection is reused only when its response was read to the end, which follows the last event at once.
_DRAIN_S = 0.1


class OpenAIChat:
    """Client with one connection pool per endpoint and key.

    Every call streams, so that a cancelled call ends the request on the server. The kit retries failed calls;
    this class does not.
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
                    raise error_from_status(response.status, body, model, request.output_schema is not None)
                async with aclosing(_events(response.content)) as events:
                    async for data in events:
                        delta = _delta(data, model)
                        finished = finished or delta.finish_reason is not None
                        yield delta
        except aiohttp.ClientError as error:
            raise error_from_connection(error, model) from error
        if not finished:
            raise broken_stream(model, "the stream ended before the answer did")

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
    """Yield the data of each event until ``[DONE]``."""
    decoder = EventDecoder()
    async for piece in content.iter_any():
        for data in decoder.feed(piece):
            if data.startswith(_DONE):
                await _drain(content)
                return
            yield data


async def _drain(content: aiohttp.StreamReader) -> None:
    if not content.at_eof():
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(_DRAIN_S):
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
            "json_schema": {"name": "answer", "schema": request.output_schema, "strict": model.strict_schema},
        }
    return body | model.extra_body


def _delta(data: bytes, model: Model) -> Delta:
    """Parse a chunk. The last chunk has no choice, only the usage.

    Raises:
        Transient: the endpoint reports an error within the stream, or the data is not a chunk.
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
        raise broken_stream(model, f"invalid chunk: {error}") from error


def _trace_headers() -> dict[str, str]:
    """Return W3C trace context, for endpoints that record spans (vLLM does)."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers
