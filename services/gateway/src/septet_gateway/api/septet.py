"""The API of Septet's own contracts, below ``/v1/septet``."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from septet_contracts import Request as Asked
from septet_contracts import encode
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from septet_gateway.api.bodies import as_bytes, checked, identified, owned, read_object
from septet_gateway.api.connection import while_connected
from septet_gateway.application.asking import Asker
from septet_gateway.application.cancelling import Canceller
from septet_gateway.domain.identity import new_request_id
from septet_gateway.domain.keys import Caller
from septet_gateway.ports import Log
from septet_gateway.telemetry import ask_span

_CHECK_FIELDS = ("answer", "passages")
# Each look-up of a response that is not there reads the log.
_RETRY_AFTER_S = "5"
_ASYNC = "respond-async"


class Requests:
    """Requests and responses as they are on the log."""

    def __init__(self, asker: Asker, canceller: Canceller, limit: int) -> None:
        self._asker = asker
        self._canceller = canceller
        self._limit = limit

    async def ask(self, request: Request, caller: Caller) -> Response:
        """``POST /v1/septet/requests``: publish a request and return its response, or its URL if the client prefers so."""
        asked = _event(request, caller, await read_object(request, self._limit))
        return await (self._submit if _prefers_async(request) else self._ask)(request, asked)

    async def check(self, request: Request, caller: Caller) -> Response:
        """``POST /v1/septet/checks``: the verdicts of the rails on a question, and on an answer if there is one."""
        return await self._ask(
            request, _event(request, caller, _as_check(await read_object(request, self._limit)))
        )

    async def get(self, request: Request, caller: Caller) -> Response:
        """``GET /v1/septet/responses/{request_id}``: the response to an earlier request of this tenant."""
        request_id = request.path_params["request_id"]
        response = await while_connected(request, self._asker.earlier(caller.tenant, request_id))
        if response is None:
            return _pending(request_id)
        return _json(encode(response), request_id)

    async def cancel(self, request: Request, caller: Caller) -> Response:
        """``DELETE /v1/septet/requests/{request_id}``: cancel an earlier request of this tenant."""
        request_id = request.path_params["request_id"]
        await self._canceller.cancel(caller.tenant, request_id, request.headers)
        body = {"request_id": request_id, "status": "cancelling"}
        return JSONResponse(body, status_code=202, headers={"x-request-id": request_id})

    async def _ask(self, request: Request, asked: Asked) -> Response:
        with ask_span(request.headers, asked.tenant, asked.request_id):
            ask = self._asker.ask(asked, request.state.admission.charge)
            response = await while_connected(request, ask)
        return _json(encode(response), asked.request_id)

    async def _submit(self, request: Request, asked: Asked) -> Response:
        with ask_span(request.headers, asked.tenant, asked.request_id):
            await self._asker.submit(asked, request.state.admission.charge)
        response = _pending(asked.request_id)
        response.headers["x-request-id"] = asked.request_id
        response.headers["location"] = f"/v1/septet/responses/{asked.request_id}"
        response.headers["preference-applied"] = _ASYNC
        return response


class Feedback:
    """Publishes feedback."""

    def __init__(self, log: Log, limit: int) -> None:
        self._log = log
        self._limit = limit

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """``POST /v1/septet/feedback``: publish one feedback event."""
        body = owned(await read_object(request, self._limit), caller)
        given = identified(body, "feedback_id", request, f"fb-{uuid4().hex}")
        event = checked("feedback", as_bytes(given), given.get("kind"))
        await self._log.publish(event)
        return JSONResponse({"feedback_id": event.feedback_id, "status": "accepted"}, status_code=202)


def _as_check(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a request that only checks texts."""
    given = {name: body[name] for name in _CHECK_FIELDS if body.get(name) is not None}
    return {**{name: value for name, value in body.items() if name not in _CHECK_FIELDS}, "check": given}


def _event(request: Request, caller: Caller, body: dict[str, Any]) -> Asked:
    """The request of a body. The body may be large, so no caller keeps it while it waits for the response."""
    given = identified(owned(body, caller), "request_id", request, new_request_id())
    event: Asked = checked("requests", as_bytes(given))
    return event


def _prefers_async(request: Request) -> bool:
    """Whether the header ``Prefer`` (RFC 7240) asks for an answer before the response."""
    preferences = ",".join(request.headers.getlist("prefer")).split(",")
    return any(preference.partition(";")[0].strip().lower() == _ASYNC for preference in preferences)


def _pending(request_id: str) -> Response:
    body = {"request_id": request_id, "status": "pending"}
    return JSONResponse(body, status_code=202, headers={"retry-after": _RETRY_AFTER_S})


def _json(body: bytes, request_id: str) -> Response:
    return Response(body, media_type="application/json", headers={"x-request-id": request_id})
