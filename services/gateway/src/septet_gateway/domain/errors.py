"""Errors of the API in OpenAI's envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from septet_contracts import ContractError, ErrorInfo

INVALID, AUTHENTICATION, PERMISSION = "invalid_request_error", "authentication_error", "permission_error"
RATE_LIMIT, TIMEOUT, SERVER = "rate_limit_error", "timeout_error", "server_error"

_TYPES = {401: AUTHENTICATION, 403: PERMISSION, 429: RATE_LIMIT, 504: TIMEOUT}
# Status by code of a failed response. A code that is not listed is a fault of the server.
_STATUSES = {
    "malformed_json": 400,
    "invalid_utf8": 400,
    "empty_body": 400,
    "missing_field": 400,
    "invalid_field": 400,
    "unknown_version": 400,
    "wrong_contract": 400,
    "empty_question": 400,
    "invalid_output_schema": 400,
    "unknown_policy": 400,
    "check_too_large": 400,
    "oversized": 413,
    "event_too_large": 413,
    "unknown_tenant": 403,
    "tenant_mismatch": 403,
    "unknown_model": 404,
    "conflict": 409,
    "cancelled": 409,
    "model_busy": 503,
    "model_timeout": 504,
    "deadline_passed": 504,
    "deadline_exceeded": 504,
    "store_unavailable": 503,
    "broker_unavailable": 503,
    "embeddings_unavailable": 503,
    "retrieval_unavailable": 503,
}
_RETRY_AFTER_S = 1


class ApiError(Exception):
    """An HTTP error; ``envelope`` is its body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind or _TYPES.get(status) or (SERVER if status >= 500 else INVALID)
        self.headers: Mapping[str, str] = {**_retry_headers(status), **(headers or {})}
        self.is_released = False
        """Whether it is the response to a request: the same request id leads to the same error."""

    @property
    def envelope(self) -> dict[str, Any]:
        """The body: an object ``error``."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


NO_RETRY = {"x-should-retry": "false"}


def _retry_headers(status: int) -> dict[str, str]:
    """When a client may retry. Clients of OpenAI retry a 409 too, which leads to the same conflict."""
    if status in (429, 503):
        return {"retry-after": str(_RETRY_AFTER_S), "retry-after-ms": str(_RETRY_AFTER_S * 1000)}
    return NO_RETRY if status == 409 else {}


def invalid(param: str | None, message: str, code: str | None = None) -> ApiError:
    """An error in the request's body."""
    return ApiError(400, message, param=param, code=code)


def unauthorized() -> ApiError:
    """The error for a missing, unknown, revoked or expired key: the same for all, so that it reveals nothing."""
    return ApiError(
        401,
        "Incorrect API key provided. Send a valid key as `Authorization: Bearer <key>`.",
        code="invalid_api_key",
        kind=INVALID,
        headers={"www-authenticate": "Bearer"},
    )


def of_code(code: str, message: str, param: str | None = None, fix: str | None = None) -> ApiError:
    """The HTTP error of an error code of Septet."""
    status = _STATUSES.get(code, 502 if code.startswith("model_") else 500)
    text = f"{message}; {fix}" if fix else message
    return ApiError(status, text, code="model_not_found" if code == "unknown_model" else code, param=param)


def of_contract(error: ContractError, prefix: str = "") -> ApiError:
    """The HTTP error of a body that breaks its contract; ``prefix`` is removed from the field's name."""
    message, field, fix = str(error), error.field, error.fix
    if prefix and field is not None and field.startswith(prefix):
        short = field.removeprefix(prefix)
        message, fix = message.replace(field, short, 1), (fix or "").replace(field, short, 1) or None
        field = short
    return of_code(error.code, message, field, fix)


def of_validation(error: ValidationError) -> ApiError:
    """The first error of a validation, with the field in OpenAI's notation: ``messages[0].content``."""
    first = error.errors(include_url=False, include_input=False)[0]
    param = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    code = "missing_required_parameter" if first["type"] == "missing" else "invalid_value"
    return invalid(param or None, f"{param or 'body'}: {first['msg']}", code)


def of_failure(status: str, error: ErrorInfo | None) -> ApiError:
    """The HTTP error of a response without an answer."""
    if error is not None:
        found = of_code(error.code, error.message, error.field, error.fix)
    elif status == "expired":
        found = of_code("deadline_exceeded", "no answer was ready by the deadline")
    else:
        found = of_code("internal_error", f"the request ended with the status {status}")
    found.is_released = True
    return found
