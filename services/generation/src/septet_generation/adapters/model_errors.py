"""What the endpoint's errors mean for a request.

openai.APIError
├── APITimeoutError, APIConnectionError, broken stream      → Transient
├── 408, 409, 429 (but not an exhausted quota), 5xx         → Transient
└── 400, 401, 403, 404, 422 and other 4xx                   → Permanent
"""

from __future__ import annotations

import openai
from septet_kit.errors import Permanent, SeptetError, Transient

from septet_generation.domain.catalogue import Model

_TRY_AGAIN = frozenset({408, 409, 425, 429})
_DETAIL = 300


def to_septet_error(error: openai.OpenAIError, model: Model, with_schema: bool) -> SeptetError:
    """Translate an error of the client library; the detail is the endpoint's own words, shortened."""
    where = f"{model.model} at {model.url}"
    if isinstance(error, openai.APITimeoutError):
        return Transient("model_timeout", f"{where} did not answer in time")
    if isinstance(error, openai.APIConnectionError):
        return Transient(
            "model_unreachable", f"{where}: {_reason(error)}", fix="start it, or set SEPTET_LLM_URL"
        )
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, where, with_schema)
    return Transient("model_broken_stream", f"{where}: {_reason(error)}")


def _of_status(error: openai.APIStatusError, where: str, with_schema: bool) -> SeptetError:
    status, message = error.status_code, f"{where}: {error.status_code} {_reason(error)}"
    if error.code == "insufficient_quota":
        return Permanent(
            "model_quota_exhausted", message, fix="raise the quota of SEPTET_LLM_API_KEY's account"
        )
    if status in _TRY_AGAIN:
        return Transient("model_busy", message)
    if status >= 500:
        return Transient("model_error", message)
    if status in (401, 403):
        return Permanent(
            "model_unauthorized", message, fix="set SEPTET_LLM_API_KEY to a key of this endpoint"
        )
    if status == 404:
        return Permanent("model_not_found", message, fix="set SEPTET_LLM_MODEL to a model of SEPTET_LLM_URL")
    if with_schema:
        return Permanent(
            "model_unsupported_schema", message, field="output_schema",
            fix="simplify `output_schema`, or use a model whose endpoint takes response_format json_schema",
        )  # fmt: skip
    return Permanent("model_rejected", message, fix="shorten the request, or correct the model's settings")


def _reason(error: openai.OpenAIError) -> str:
    cause = f" ({error.__cause__})" if error.__cause__ and str(error.__cause__) else ""
    return (str(error) + cause)[:_DETAIL]
