"""Reading request bodies, and the id of a request."""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import Any

from septet_contracts import ContractError, decode, encode, topic
from septet_contracts import Request as Asked
from septet_kit.offload import Offload
from starlette.requests import Request

from septet_gateway.domain.errors import ApiError, invalid, of_contract
from septet_gateway.domain.identity import new_request_id, request_id_of
from septet_gateway.domain.keys import Caller

LONGEST_KEY = 255
_BODY_TIMEOUT_S = 30.0
_INLINE_BYTES = 64 * 1024
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

offload = Offload(_INLINE_BYTES)


async def read_object(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        ApiError: 413 if the body is larger than ``limit`` bytes, 400 if it is not a JSON object, 408 if it takes more
            than 30 seconds to arrive.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise ApiError(408, "the body did not arrive in time", code="body_timeout") from None
    try:
        found = await offload(len(body), _parsed, bytes(body))
    except UnicodeEncodeError:
        raise invalid(None, "the body contains half of a surrogate pair", "malformed_json") from None
    except (ValueError, RecursionError):
        raise invalid(None, "the body is not JSON", "malformed_json") from None
    if not isinstance(found, dict):
        raise invalid(None, "the body is not a JSON object", "malformed_json")
    return found


def _parsed(body: bytes) -> Any:
    """The value of a JSON text.

    Python reads numbers without a finite value and lone surrogates, and cannot write them again.

    Raises:
        ValueError, RecursionError: it is not JSON in UTF-8.
    """
    text = body.decode("utf-8-sig")
    found = json.loads(text, parse_float=_finite, parse_constant=_finite)
    if _SURROGATE.search(text):
        json.dumps(found, ensure_ascii=False).encode()
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} has no finite value")
    return number


def request_id_for(request: Request) -> str:
    """The id of a request: that of its header ``Idempotency-Key``, or a new one.

    Raises:
        ApiError: 400, the key is too long.
    """
    return _id_of_key(request) or new_request_id()


def identified(body: dict[str, Any], name: str, request: Request, new: str) -> dict[str, Any]:
    """A body with its id: that of the field ``name``, that of the header ``Idempotency-Key``, or ``new``.

    Raises:
        ApiError: 400, the key is too long, or field and header name two ids.
    """
    of_key = _id_of_key(request)
    found = body.get(name, of_key or new)
    if of_key is not None and found != of_key:
        raise invalid(name, f"{name}: the header Idempotency-Key names another one", "invalid_value")
    return {**body, name: found}


def has_idempotency_key(request: Request) -> bool:
    """Whether the client may repeat the call under the same id."""
    return bool(request.headers.get("idempotency-key"))


def _id_of_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key", "")
    if len(key) > LONGEST_KEY:
        raise invalid(None, f"Idempotency-Key: at most {LONGEST_KEY} characters", "invalid_value")
    return request_id_of(key) if key else None


def checked(name: str, body: bytes, kind: object = None) -> Any:
    """The event in a body, validated against the contract of its topic.

    Args:
        name: of the topic.
        body: as bytes.
        kind: which of the contract's models the body names. Validation puts it before the names of fields.

    Raises:
        ApiError: 400 or 413.
    """
    try:
        return decode(topic(name), body)
    except ContractError as error:
        raise of_contract(error, f"{kind}.") from None


def owned(body: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """A body in the tenant of the caller's key.

    Raises:
        ApiError: 403, the body names another tenant.
    """
    given = {name: value for name, value in body.items() if value is not None}
    if given.setdefault("tenant", caller.tenant) != caller.tenant:
        raise ApiError(
            403,
            "the body names another tenant than the API key; leave `tenant` out",
            code="tenant_mismatch",
            param="tenant",
        )
    return given


def as_bytes(body: dict[str, Any]) -> bytes:
    """A body as JSON. Lone surrogates are kept: the contract refuses them by name."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


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
