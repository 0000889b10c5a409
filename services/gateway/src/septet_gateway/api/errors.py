"""Exceptions as HTTP responses in OpenAI's envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from septet_kit.errors import SeptetError
from septet_kit.observe import get_logger
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from septet_gateway.domain.errors import ApiError, of_code

log = get_logger()


def of_exception(error: Exception) -> ApiError:
    """The HTTP error of an exception. The text of an unexpected one is logged and not shown."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, SeptetError):
        log.warning("a call failed", code=error.code, error=error.message)
        found = of_code(error.code, error.message)
        # Addresses of servers do not leave the log.
        return ApiError(found.status, f"the service failed with {error.code}", code=error.code)
    if isinstance(error, HTTPException):
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code)
        return ApiError(error.status_code, str(error.detail), code=code, headers=error.headers)
    log.error("unexpected error", error=repr(error), exc_info=error)
    return ApiError(500, "internal error", code="internal_error")


def as_response(error: ApiError) -> Response:
    """An error's HTTP response."""
    return JSONResponse(error.envelope, status_code=error.status, headers=dict(error.headers))


async def handle(_: Request, error: Exception) -> Response:
    """Starlette's exception handler."""
    return as_response(of_exception(error))


HANDLERS: Mapping[Any, Any] = {
    ApiError: handle,
    SeptetError: handle,
    HTTPException: handle,
    Exception: handle,
}
