"""Ids of requests and of their responses."""

from __future__ import annotations

import hashlib
import re
from uuid import uuid4

from septet_contracts import Request, encode, request_digest
from septet_contracts.identity import is_answer_to as is_answer_to
from septet_contracts.identity import is_response_to as is_response_to

_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")


def new_request_id() -> str:
    """A new, unique request id."""
    return f"gw-{uuid4().hex}"


def is_request_id(text: str) -> bool:
    """Whether a text has the form of a request id."""
    return _ID.fullmatch(text) is not None


def request_id_of(idempotency_key: str) -> str:
    """The request id of an idempotency key: the key, or its hash if it is not a valid id."""
    if is_request_id(idempotency_key):
        return idempotency_key
    return f"key-{hashlib.sha256(idempotency_key.encode()).hexdigest()}"


def variants_of(request: Request) -> dict[str, Request]:
    """The requests with the same body, streamed and whole, by digest. The given one comes first."""
    other = request.model_copy(update={"stream": not request.stream})
    return {request_digest(encode(variant)): variant for variant in (request, other)}
