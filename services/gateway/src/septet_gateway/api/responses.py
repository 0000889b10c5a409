"""``POST /v1/responses``."""

from __future__ import annotations

import time
from functools import partial

from septet_contracts import Request as Asked
from septet_contracts import Response as Released
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from septet_gateway.api.bodies import check_encodable, has_idempotency_key, read_object, request_id_for
from septet_gateway.api.chat import alias_of
from septet_gateway.api.connection import while_connected
from septet_gateway.api.sse import stream
from septet_gateway.application.asking import Asker
from septet_gateway.application.cancelling import Canceller
from septet_gateway.application.partials import Partial
from septet_gateway.domain.keys import Caller
from septet_gateway.domain.response_object import ResponseEvents, ResponseObject
from septet_gateway.domain.responses import ResponsesBody, parse_responses, to_request
from septet_gateway.settings import GatewaySettings
from septet_gateway.telemetry import ask_span


class CreateResponse:
    """Answers a text or a conversation in the form of the Responses API."""

    def __init__(self, asker: Asker, canceller: Canceller, settings: GatewaySettings) -> None:
        self._asker = asker
        self._canceller = canceller
        self._settings = settings

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """Handle one call."""
        asked, made, is_stream = self._plan(
            request, caller, parse_responses(await read_object(request, self._settings.max_body))
        )
        headers = {"x-request-id": asked.request_id}
        abandon = partial(
            self._canceller.abandon, asked, request.headers, is_repeatable=has_idempotency_key(request)
        )
        if not is_stream:
            released = await while_connected(request, self._ask(request, asked), abandon)
            return JSONResponse(made.whole(released), headers=headers)
        await request.state.admit_stream()
        events = ResponseEvents(made, int(time.time()))
        keep_alive, text = self._settings.keep_alive.total_seconds(), Partial(asked)
        ask = self._ask(request, asked, text)
        return await stream(request, ask, events, keep_alive, headers, text, abandon)

    def _plan(
        self, request: Request, caller: Caller, body: ResponsesBody
    ) -> tuple[Asked, ResponseObject, bool]:
        """The request, what makes its answer, and whether to stream it. None of them refers to the large body."""
        asked = to_request(body, alias_of(body.model, self._settings), caller.tenant, request_id_for(request))
        check_encodable(asked)
        return asked, ResponseObject(body, asked.request_id), body.stream

    async def _ask(self, request: Request, asked: Asked, text: Partial | None = None) -> Released:
        with ask_span(request.headers, asked.tenant, asked.request_id):
            return await self._asker.ask(asked, request.state.admission.charge, text)
