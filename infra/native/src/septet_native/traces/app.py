"""The HTTP application: OTLP receiver, query API and page."""

from __future__ import annotations

import json
import re
import zlib
from importlib import resources
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from septet_native.traces import otlp
from septet_native.traces.store import TraceStore

PROTOBUF = "application/x-protobuf"
MAX_BODY = 16 * 1024 * 1024
# An export of this size takes two or three milliseconds to store, so the event loop stores it itself. A worker thread
# would take a third longer for the few spans of most exports.
SMALL_BODY = 64 * 1024
TRACE_ID = re.compile(r"[0-9a-f]{32}")
PAGE = resources.files("septet_native.traces") / "page"
ASSETS = {
    "style.css": "text/css",
    "api.js": "text/javascript",
    "page.js": "text/javascript",
    "strings.js": "text/javascript",
    "tree.js": "text/javascript",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def create_app(store: TraceStore) -> Starlette:
    """The application that serves *store*."""
    app = Starlette(
        routes=[
            Route("/v1/traces", _receive, methods=["POST"]),
            Route("/api/services", _services),
            Route("/api/services/{service}/operations", _operations),
            Route("/api/traces", _find),
            Route("/api/traces/{trace_id}", _trace),
            Route("/api/search", _search),
            Route("/healthz", _health),
            Route("/", _page),
            Route("/trace/{trace_id}", _page),
            Route("/assets/{name}", _asset),
        ]
    )
    app.state.store = store
    return app


async def _receive(request: Request) -> Response:
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind != PROTOBUF:
        return _errors(415, f"send traces as {PROTOBUF}, with or without gzip")
    body = await request.body()
    try:
        if request.headers.get("content-encoding") == "gzip":
            body = _gunzip(body)
        if len(body) > MAX_BODY:
            return _errors(413, f"an export may hold at most {MAX_BODY} bytes")
        if len(body) <= SMALL_BODY:
            _add(_store(request), body)
        else:
            await run_in_threadpool(_add, _store(request), body)
    except (otlp.Malformed, zlib.error) as error:
        return _errors(400, str(error))
    return Response(ExportTraceServiceResponse().SerializeToString(), media_type=PROTOBUF)


def _add(store: TraceStore, body: bytes) -> None:
    store.add(otlp.decode(body))


def _gunzip(body: bytes) -> bytes:
    # One byte above the limit is enough to detect a larger body, so a decompression bomb is never expanded.
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, MAX_BODY + 1)


async def _services(request: Request) -> Response:
    return _data(await run_in_threadpool(_store(request).services))


async def _operations(request: Request) -> Response:
    return _data(await run_in_threadpool(_store(request).operations, request.path_params["service"]))


async def _find(request: Request) -> Response:
    query = request.query_params
    try:
        wanted = json.loads(query.get("tags", "{}"))
        limit = min(200, max(1, int(query.get("limit", "20"))))
    except ValueError:
        return _errors(400, 'tags must be a JSON object such as {"error":"true"}, limit a number')
    if not isinstance(wanted, dict):
        return _errors(400, "tags must be a JSON object")
    found = await run_in_threadpool(
        _store(request).find,
        service=query.get("service") or None,
        operation=query.get("operation") or None,
        wanted=wanted,
        limit=limit,
    )
    return _data(found)


async def _trace(request: Request) -> Response:
    trace_id: str = request.path_params["trace_id"]
    trace = await run_in_threadpool(_store(request).trace, trace_id.lower())
    return _errors(404, "trace not found") if trace is None else _data([trace])


async def _search(request: Request) -> Response:
    """Ids of the traces for any id: of a trace, a request, a conversation or an event."""
    text = request.query_params.get("q", "").strip()
    store, trace_id = _store(request), text.lower()
    if TRACE_ID.fullmatch(trace_id) and await run_in_threadpool(store.trace, trace_id) is not None:
        return _data([trace_id])
    return _data(await run_in_threadpool(store.by_identifier, text))


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _page(_request: Request) -> Response:
    return Response((PAGE / "index.html").read_bytes(), media_type="text/html", headers=HEADERS)


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        return _errors(404, "not found")
    return Response((PAGE / name).read_bytes(), media_type=ASSETS[name], headers=HEADERS)


def _store(request: Request) -> TraceStore:
    store: TraceStore = request.app.state.store
    return store


def _data(data: list[Any]) -> JSONResponse:
    return JSONResponse({"data": data, "total": len(data), "limit": 0, "offset": 0, "errors": None})


def _errors(status: int, message: str) -> JSONResponse:
    return JSONResponse({"data": None, "errors": [{"code": status, "msg": message}]}, status_code=status)
