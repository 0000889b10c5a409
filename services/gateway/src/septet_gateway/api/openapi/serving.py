"""``GET /openapi.json``."""

from __future__ import annotations

import json
from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from septet_gateway.api.openapi.document import document


async def open_api(_: Request) -> Response:
    """The document of the API. It is public."""
    return Response(_body(), media_type="application/json")


@cache
def _body() -> bytes:
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()
