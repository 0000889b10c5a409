"""``GET /console``: the page of the console, and its assets."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from septet_gateway.console.bundle import PREFIX, File, load

_SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


async def page(request: Request) -> Response:
    """The page. A browser asks each time whether it has changed."""
    bundle = load()
    headers = {"content-security-policy": bundle.policy, "cache-control": "no-cache"}
    return _answer(request, bundle.page, headers)


async def asset(request: Request) -> Response:
    """A file of the current digest. A page of an earlier version has to be loaded again."""
    bundle = load()
    file = bundle.assets.get(request.path_params["name"])
    if file is None or request.path_params["digest"] != bundle.digest:
        raise HTTPException(404, "there is no such file")
    return _answer(request, file, {"cache-control": "public, max-age=31536000, immutable"})


async def home(_: Request) -> Response:
    """Redirect from ``/`` to the console."""
    return RedirectResponse("/console", status_code=307)


def _answer(request: Request, file: File, headers: dict[str, str]) -> Response:
    sent = {**_SECURITY, **headers, "etag": file.etag, "vary": "accept-encoding"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=sent)
    body = file.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, sent["content-encoding"] = file.compressed, "gzip"
    return Response(body, media_type=file.media_type, headers=sent)


ROUTES = (
    Route("/", home, methods=["GET"]),
    Route("/console", page, methods=["GET"]),
    Route(PREFIX + "/{digest}/{name:path}", asset, methods=["GET"]),
)
