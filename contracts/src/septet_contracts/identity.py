"""Which response belongs to a request, where several bodies may have used its id."""

from __future__ import annotations

import re
from uuid import uuid5

from septet_contracts.envelope import event_id
from septet_contracts.request import Request
from septet_contracts.response import Response

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*_[1-9][0-9]*>")
_VERSION = f"v{Response.model_fields['version'].default}"


def is_response_to(response: Response, digest: str) -> bool:
    """Whether a response with the right request id belongs to the body with this digest.

    The answer and the `conflict` response to another body under the same id are not the response to this one. Without
    `request_digest`, the answer to another body cannot be told apart: compare the question (:func:`is_answer_to`).
    """
    if response.request_digest:
        return response.request_digest == digest
    if response.error is None or response.error.code != "conflict":
        return True
    own = event_id(response.tenant, response.request_id, "conflict", digest)
    return response.event_id == uuid5(own, _VERSION)


def is_answer_to(response: Response, request: Request) -> bool:
    """Whether an answer is to the question of this request, and not to another body under the same id.

    The question of a response has placeholders for personal data. A blocked question is cut, so it is not compared.
    """
    if response.status not in ("answered", "abstained") or response.question is None:
        return True
    first, *rest = _PLACEHOLDER.split(response.question)
    if not rest:
        return first == request.query
    if not request.query.startswith(first):
        return False
    position = len(first)
    *middle, last = rest
    for part in middle:
        found = request.query.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return request.query.endswith(last) and len(request.query) - len(last) >= position
