"""The embeddings endpoint: bodies are passed on, and answers get the wanted encoding."""

from __future__ import annotations

import base64
import json
from typing import Any

import aiohttp
import numpy as np
from septet_kit.openai_http import Endpoint, is_retryable
from septet_kit.settings import KitSettings

from septet_gateway.domain.errors import ApiError

_TIMEOUT = aiohttp.ClientTimeout(total=30.0)
_DETAIL = 300


class EmbeddingsEndpoint:
    """A client of the endpoint of ``SEPTET_EMBEDDINGS_URL``."""

    def __init__(self, settings: KitSettings) -> None:
        self._model = settings.embeddings_model
        self._endpoint = Endpoint(settings.embeddings_url, settings.embeddings_api_key.get_secret_value())

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    async def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Embed texts; returns the endpoint's answer.

        Raises:
            ApiError: the endpoint refuses the body (its own status), is busy or down (503), or answers nonsense (502).
        """
        try:
            async with self._endpoint.post("/embeddings", json.dumps(body).encode(), _TIMEOUT) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(
                503, f"embeddings: {type(error).__name__}", code="embeddings_unavailable"
            ) from error
        try:
            answer = json.loads(content)
            if response.status < 400:
                return _encoded(answer, body.get("encoding_format", "float"))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ApiError(502, "embeddings: unexpected response", code="embeddings_unavailable") from error
        raise _refused(response.status, answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()


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
