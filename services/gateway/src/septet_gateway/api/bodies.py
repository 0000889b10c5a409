"""Reading request bodies, and the id of a request."""

from __future__ import annotations

import json
from typing import Any

from septet_contracts import ContractError, decode, encode, topic
from septet_contracts import Request as Asked
from starlette.requests import Request

from septet_gateway.domain.errors import ApiError, invalid, of_contract
from septet_gateway.domain.identity import new_request_id, request_id_of

_LONGEST_KEY = 255


async def read_object(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        ApiError: 413 if the body is larger than ``limit`` bytes, 400 if it is not a JSON object.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid(None, "the body is not JSON", "malformed_json") from None
    if not isinstance(found, dict):
        raise invalid(None, "the body is not a JSON object", "malformed_json")
    return found


def request_id_for(request: Request) -> str:
    """The id of a request: that of its header ``Idempotency-Key``, or a new one.

    Raises:
        ApiError: 400, the key is too long.
    """
    key = request.headers.get("idempotency-key", "")
    if len(key) > _LONGEST_KEY:
        raise invalid(None, f"Idempotency-Key: at most {_LONGEST_KEY} characters", "invalid_value")
    return request_id_of(key) if key else new_request_id()


def checked(name: str, body: bytes) -> Any:
    """The event in a body, validated against the contract of its topic.

    Raises:
        ApiError: 400 or 413.
    """
    try:
        return decode(topic(name), body)
    except ContractError as error:
        raise of_contract(error) from None


def check_encodable(request: Asked) -> None:
    """Check that a request can be published: its size, its depth and its characters.

    Raises:
        ApiError: 400 or 413.
    """
    try:
        body = encode(request)
    except ValueError:
        raise invalid(None, "the body is nested too deeply", "malformed_json") from None
    checked("requests", body)


def _too_large(limit: int) -> ApiError:
    return ApiError(413, f"the body has more than {limit} bytes", code="oversized")
