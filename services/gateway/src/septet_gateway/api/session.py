"""``/v1/septet/session``: who calls, and the session cookie of a browser."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from septet_gateway.application.authentication import Authenticator
from septet_gateway.domain.keys import SCOPES, Caller
from septet_gateway.domain.sessions import COOKIE, LIFETIME


class Session:
    """Creates, describes and ends the session of a browser."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def create(self, request: Request, caller: Caller) -> Response:
        """``POST``: set the cookie. A call with a cookie starts the session's time again."""
        until = datetime.now(UTC) + LIFETIME
        response = _description(caller)
        response.set_cookie(
            COOKIE,
            self._authenticator.session(caller, until),
            max_age=int(LIFETIME.total_seconds()),
            path="/v1",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    async def get(self, _: Request, caller: Caller) -> Response:
        """``GET``: the tenant and the scopes of the caller."""
        return _description(caller)

    async def delete(self, _: Request, caller: Caller) -> Response:
        """``DELETE``: remove the cookie."""
        response = _description(caller)
        response.delete_cookie(COOKIE, path="/v1", httponly=True, samesite="strict")
        return response


def _description(caller: Caller) -> Response:
    scopes = [scope for scope in SCOPES if caller.may(scope)]
    body = {"tenant": caller.tenant, "key_id": caller.key_id, "scopes": scopes}
    return JSONResponse(body, headers={"cache-control": "no-store"})
