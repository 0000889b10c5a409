"""The embeddings endpoint: bodies are passed on, and answers get the wanted encoding."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import aiohttp
import numpy as np
from septet_kit.offload import Offload
from septet_kit.openai_http import Endpoint, is_retryable
from septet_kit.settings import KitSettings

from septet_gateway.domain.errors import ApiError
from septet_gateway.ports import Embedded

_TIMEOUT_S = 30.0
_DETAIL = 300
_CONCURRENT = 8
# 2,048 vectors of 4,096 dimensions in base64 have 43 MiB.
_LONGEST_ANSWER = 64 * 1024 * 1024

offload = Offload(64 * 1024)


class EmbeddingsEndpoint:
    """A client of the endpoint of ``SEPTET_EMBEDDINGS_URL``. Eight calls are in progress at most; others wait."""

    def __init__(self, settings: KitSettings) -> None:
        self._model = settings.embeddings_model
        self._endpoint = Endpoint(settings.embeddings_url, settings.embeddings_api_key.get_secret_value())
        self._calls = asyncio.Semaphore(_CONCURRENT)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    async def create(self, body: dict[str, Any], shown_as: str) -> Embedded:
        """Embed texts; returns the endpoint's answer.

        Args:
            body: of the call.
            shown_as: the model's name in the answer.

        Raises:
            ApiError: the endpoint refuses the body (its own status), is busy or down (503), or answers nonsense (502).
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._calls:
                # Base64 is a third as long as decimals.
                status, content = await self._post({**body, "encoding_format": "base64"})
                wanted = body.get("encoding_format", "float")
                return await offload(len(content), _rendered, status, content, wanted, shown_as)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(
                503, f"embeddings: {type(error).__name__}", code="embeddings_unavailable"
            ) from error

    async def _post(self, body: dict[str, Any]) -> tuple[int, bytes]:
        content = bytearray()
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with self._endpoint.post("/embeddings", json.dumps(body).encode(), timeout) as response:
            async for piece in response.content.iter_any():
                content += piece
                if len(content) > _LONGEST_ANSWER:
                    message = (
                        f"embeddings: the answer has more than {_LONGEST_ANSWER} bytes; send fewer texts"
                    )
                    raise ApiError(502, message, code="embeddings_unavailable")
        return response.status, bytes(content)

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()


def _rendered(status: int, content: bytes, wanted: str, shown_as: str) -> Embedded:
    """An answer in the wanted encoding.

    Raises:
        ApiError: the answer is an error, or none of an embeddings endpoint (502).
    """
    try:
        answer = json.loads(content)
        if status < 400:
            rendered = json.dumps({**_encoded(answer, wanted), "model": shown_as}, allow_nan=False)
            return Embedded(rendered.encode(), int((answer.get("usage") or {}).get("total_tokens") or 0))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ApiError(502, "embeddings: unexpected response", code="embeddings_unavailable") from error
    raise _refused(status, answer)


def _encoded(answer: dict[str, Any], wanted: str) -> dict[str, Any]:
    """The answer in the wanted encoding; some endpoints know only one of them."""
    for item in answer["data"]:
        vector = item["embedding"]
        if wanted == "base64" and not isinstance(vector, str):
            item["embedding"] = base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()
        elif wanted == "float" and isinstance(vector, str):
            item["embedding"] = np.frombuffer(base64.b64decode(vector), dtype="<f4").tolist()
    return answer


def _refused(status: int, answer: Any) -> ApiError:
    """The endpoint's error. Its refusal of our own key is not the caller's fault."""
    error = answer.get("error") if isinstance(answer, dict) else None
    error = error if isinstance(error, dict) else {}
    message = f"embeddings: {str(error.get('message') or answer)[:_DETAIL]}"
    if is_retryable(status) or status in (401, 403):
        return ApiError(503, message, code="embeddings_unavailable")
    return ApiError(status, message, code=error.get("code"), param=error.get("param"))
