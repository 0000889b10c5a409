"""``POST /v1/chat/completions`` and ``GET /v1/models``."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from septet_contracts import Request as Asked
from septet_contracts import Response as Released
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from septet_gateway.api.bodies import check_encodable, has_idempotency_key, read_object, request_id_for
from septet_gateway.api.connection import while_connected
from septet_gateway.api.sse import stream
from septet_gateway.application.asking import Asker
from septet_gateway.application.cancelling import Canceller
from septet_gateway.application.partials import Partial
from septet_gateway.domain.chat import ChatBody, parse_chat, to_request
from septet_gateway.domain.completion import Completion, CompletionChunks
from septet_gateway.domain.errors import ApiError
from septet_gateway.domain.keys import Caller
from septet_gateway.settings import GatewaySettings
from septet_gateway.telemetry import ask_span


class ChatCompletions:
    """Answers a conversation."""

    def __init__(self, asker: Asker, canceller: Canceller, settings: GatewaySettings) -> None:
        self._asker = asker
        self._canceller = canceller
        self._settings = settings

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """Handle one call."""
        asked, complete, chunks = self._plan(
            request, caller, parse_chat(await read_object(request, self._settings.max_body))
        )
        headers = {"x-request-id": asked.request_id}
        abandon = partial(
            self._canceller.abandon, asked, request.headers, is_repeatable=has_idempotency_key(request)
        )
        if chunks is None:
            released = await while_connected(request, self._ask(request, asked), abandon)
            return JSONResponse(complete(released).whole(), headers=headers)
        await request.state.admit_stream()
        keep_alive, text = self._settings.keep_alive.total_seconds(), Partial(asked)
        ask = self._ask(request, asked, text)
        return await stream(request, ask, chunks, keep_alive, headers, text, abandon)

    def _plan(
        self, request: Request, caller: Caller, chat: ChatBody
    ) -> tuple[Asked, Callable[[Released], Completion], CompletionChunks | None]:
        """The request, and what makes its answer. The body may be large, so neither refers to it."""
        asked = to_request(chat, alias_of(chat.model, self._settings), caller.tenant, request_id_for(request))
        check_encodable(asked)
        is_structured = asked.output_schema is not None
        complete = partial(Completion, model=chat.model, stops=chat.stops, is_structured=is_structured)
        if not chat.stream:
            return asked, complete, None
        chunks = CompletionChunks(
            complete,
            request_id=asked.request_id,
            created_at=int(time.time()),
            model=chat.model,
            include_usage=chat.stream_options.include_usage,
            stops=chat.stops,
            epochs=chat.septet.epochs,
            is_structured=is_structured,
        )
        return asked, complete, chunks

    async def _ask(self, request: Request, asked: Asked, text: Partial | None = None) -> Released:
        with ask_span(request.headers, asked.tenant, asked.request_id):
            return await self._asker.ask(asked, request.state.admission.charge, text)


def alias_of(model: str, settings: GatewaySettings) -> str:
    """The alias in generation of a model name.

    Raises:
        ApiError: 404, there is no such model.
    """
    try:
        return settings.models[model]
    except KeyError:
        known = ", ".join(settings.models)
        message = f"there is no model `{model}`; the models are: {known}"
        raise ApiError(404, message, code="model_not_found", param="model") from None


class Models:
    """Lists the models that ``POST /v1/chat/completions`` and ``POST /v1/embeddings`` accept."""

    def __init__(self, names: list[str]) -> None:
        self._models = {n: {"id": n, "object": "model", "created": 0, "owned_by": "septet"} for n in names}

    async def list(self, _: Request, __: Caller) -> Response:
        """All models."""
        return JSONResponse({"object": "list", "data": [*self._models.values()]})

    async def get(self, request: Request, _: Caller) -> Response:
        """One model."""
        name = request.path_params["model"]
        if name not in self._models:
            raise ApiError(404, f"there is no model `{name}`", code="model_not_found", param="model")
        return JSONResponse(self._models[name])
