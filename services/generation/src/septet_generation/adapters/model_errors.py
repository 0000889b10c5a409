"""Maps errors of a model endpoint to ``Transient`` and ``Permanent``.

aiohttp.ClientError
├── ServerTimeoutError: no connection, or no data in time   → Transient
├── ClientPayloadError: the stream broke off                → Transient
└── any other connection error                              → Transient
status
├── 408, 409, 425, 429 (except an exhausted quota), 5xx     → Transient
└── 400, 401, 403, 404, 422 and other 4xx                   → Permanent
"""

from __future__ import annotations

import json

import aiohttp
from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.openai_http import is_retryable

from septet_generation.domain.catalogue import Model

_DETAIL = 300


def error_from_connection(error: aiohttp.ClientError, model: Model) -> SeptetError:
    """Map an error of the HTTP client."""
    where = f"{model.model} at {model.url}"
    if isinstance(error, aiohttp.ServerTimeoutError):
        return Transient("model_timeout", f"{where} did not answer in time")
    if isinstance(error, aiohttp.ClientPayloadError):
        return broken_stream(model, str(error))
    reason = (str(error) or type(error).__name__)[:_DETAIL]
    return Transient("model_unreachable", f"{where}: {reason}", fix="start it, or set SEPTET_LLM_URL")


def broken_stream(model: Model, reason: str) -> SeptetError:
    """Return the error of a stream that began and then failed."""
    return Transient("model_broken_stream", f"{model.model} at {model.url}: {reason[:_DETAIL]}")


def error_from_status(status: int, body: bytes, model: Model, with_schema: bool) -> SeptetError:
    """Map an HTTP error status. The message holds the endpoint's own message, shortened."""
    code, detail = _reason(body)
    message = f"{model.model} at {model.url}: {status} {detail[:_DETAIL]}"
    if code == "insufficient_quota":
        return Permanent(
            "model_quota_exhausted", message, fix="raise the quota of SEPTET_LLM_API_KEY's account"
        )
    if is_retryable(status):
        return Transient("model_error" if status >= 500 else "model_busy", message)
    if status in (401, 403):
        return Permanent(
            "model_unauthorized", message, fix="set SEPTET_LLM_API_KEY to a key of this endpoint"
        )
    if status == 404:
        return Permanent("model_not_found", message, fix="set SEPTET_LLM_MODEL to a model of SEPTET_LLM_URL")
    if with_schema:
        fix = "simplify `output_schema`, or use a model whose endpoint takes response_format json_schema"
        return Permanent("model_unsupported_schema", message, field="output_schema", fix=fix)
    return Permanent("model_rejected", message, fix="shorten the request, or correct the model's settings")


def _reason(body: bytes) -> tuple[str | None, str]:
    """Return code and message of an error body. A body in another format than OpenAI's is the message."""
    text = body.decode(errors="replace")
    try:
        error = json.loads(text)["error"]
        return error.get("code"), str(error["message"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None, text
