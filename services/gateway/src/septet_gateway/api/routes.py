"""The HTTP application."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from septet_gateway.api.chat import ChatCompletions, Models
from septet_gateway.api.console import ROUTES as CONSOLE
from septet_gateway.api.documents import PATH as DOCUMENTS
from septet_gateway.api.documents import Documents
from septet_gateway.api.embeddings import CreateEmbeddings
from septet_gateway.api.errors import HANDLERS, as_response, of_exception
from septet_gateway.api.openapi.serving import open_api
from septet_gateway.api.responses import CreateResponse
from septet_gateway.api.septet import Feedback, Requests
from septet_gateway.api.session import Session
from septet_gateway.api.sse import EventStream
from septet_gateway.api.write_limit import Pieces
from septet_gateway.application.asking import Asker
from septet_gateway.application.authentication import Authenticator, require
from septet_gateway.application.cancelling import Canceller
from septet_gateway.application.indexing import Indexer
from septet_gateway.application.quotas import UNCOUNTED, Quotas
from septet_gateway.domain.errors import NO_RETRY, ApiError
from septet_gateway.domain.keys import Caller
from septet_gateway.ports import Embeddings, Log
from septet_gateway.settings import GatewaySettings
from septet_gateway.telemetry import call_seconds, calls, refusals


class Text(Convertor[str]):
    """A part of a path with any characters: slashes and, unlike Starlette's ``path``, line breaks."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        """The value of a part."""
        return value

    def to_string(self, value: str) -> str:
        """The part of a value."""
        return value


register_url_convertor("text", Text())

Handler = Callable[[Request, Caller], Awaitable[Response]]
_RATE = tuple(f"x-ratelimit-{k}-{n}" for k in ("limit", "remaining", "reset") for n in ("requests", "tokens"))
_EXPOSED = ("x-request-id", "retry-after", "retry-after-ms", "location", "preference-applied", *_RATE)


@dataclass(frozen=True)
class Parts:
    """Dependencies of the application."""

    settings: GatewaySettings
    authenticator: Authenticator
    quotas: Quotas
    asker: Asker
    indexer: Indexer
    log: Log
    embeddings: Embeddings
    canceller: Canceller


def create_app(parts: Parts) -> Starlette:
    """The application: routes, errors, CORS."""
    settings = parts.settings
    models = Models([*settings.models, parts.embeddings.model, *settings.embeddings_models])
    requests = Requests(parts.asker, parts.canceller, settings.max_body)
    documents = Documents(parts.indexer, settings.max_body)
    feedback = Feedback(parts.log, settings.max_body)

    session = Session(parts.authenticator)

    def route(method: str, path: str, scope: str | None, handler: Handler) -> Route:
        return Route(path, _endpoint(parts, path, scope, handler), methods=[method])

    routes = [
        route("POST", "/v1/chat/completions", "ask", ChatCompletions(parts.asker, parts.canceller, settings)),
        route("POST", "/v1/responses", "ask", CreateResponse(parts.asker, parts.canceller, settings)),
        route("POST", "/v1/embeddings", "ask", CreateEmbeddings(parts.embeddings, settings)),
        route("GET", "/v1/models", "ask", models.list),
        route("GET", "/v1/models/{model:text}", "ask", models.get),
        route("POST", "/v1/septet/requests", "ask", requests.ask),
        route("DELETE", "/v1/septet/requests/{request_id}", "ask", requests.cancel),
        route("POST", "/v1/septet/checks", "ask", requests.check),
        route("GET", "/v1/septet/responses/{request_id}", "ask", requests.get),
        route("POST", "/v1/septet/session", None, session.create),
        route("GET", "/v1/septet/session", None, session.get),
        route("DELETE", "/v1/septet/session", None, session.delete),
        route("POST", "/v1/septet/feedback", "feedback", feedback),
        route("PUT", DOCUMENTS + "{document_id:text}", "documents", documents.put),
        route("DELETE", DOCUMENTS + "{document_id:text}", "documents", documents.delete),
        Route("/openapi.json", open_api, methods=["GET"]),
        *CONSOLE,
    ]
    middleware = [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["*"],
            expose_headers=_EXPOSED,
        ),
        Middleware(TrailingSlash),
        Middleware(Pieces),
    ]
    handlers: Any = dict(HANDLERS)
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)
    # With `TrailingSlash`, a redirect to a path with a slash would never end.
    app.router.redirect_slashes = False
    return app


class TrailingSlash:
    """Serves ``/v1/models/`` as ``/v1/models``: clients do not follow the redirect of a POST.

    The id of a document may end with a slash.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.endswith("/") and not path.startswith(DOCUMENTS):
            scope = {**scope, "path": path.rstrip("/") or "/"}
        await self._app(scope, receive, send)


def _final(error: ApiError, request: Request) -> ApiError:
    """An error as it is sent. A repeat of a failed request with the same key gets the same response."""
    if error.is_released and "idempotency-key" in request.headers:
        error.headers = NO_RETRY
    return error


async def _admit_stream(parts: Parts, caller: Caller, held: ExitStack) -> None:
    """Admit a stream, which ends with the call.

    Raises:
        ApiError: 429, the key has reached its limit of streams.
        Transient: the usage cannot be written.
    """
    limit = parts.settings.key_concurrent_streams if caller.streams is None else caller.streams
    held.callback(await parts.quotas.admit_stream(caller, limit))


def _endpoint(
    parts: Parts, path: str, scope: str | None, handler: Handler
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that authenticates, applies the key's quotas, calls a handler, and counts."""

    async def endpoint(request: Request) -> Response:
        began = time.monotonic()
        admission = UNCOUNTED
        with ExitStack() as held:
            try:
                caller = await parts.authenticator.authenticate(request.headers, request.url.query)
                admission = request.state.admission = await parts.quotas.admit(caller)
                held.callback(admission.end)
                request.state.admit_stream = partial(_admit_stream, parts, caller, held)
                if scope is not None:
                    require(caller, scope)
                response = await handler(request, caller)
            except Exception as error:
                found = _final(of_exception(error), request)
                if found.status == 429:
                    refusals.labels(found.code).inc()
                response = as_response(found)
            response.headers.update(admission.headers)
            if isinstance(response, EventStream):
                response.hold(held.pop_all())
        calls.labels(path, response.status_code).inc()
        call_seconds.labels(path).observe(time.monotonic() - began)
        return response

    return endpoint
