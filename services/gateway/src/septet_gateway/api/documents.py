"""``PUT`` and ``DELETE /v1/septet/documents/{document_id}``."""

from __future__ import annotations

import math
import re
from typing import Any

from septet_contracts import DeleteDocument, DocumentChanged, UpsertDocument
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from septet_gateway.api.bodies import as_bytes, checked, owned, read_object
from septet_gateway.api.connection import while_connected
from septet_gateway.application.indexing import Indexer
from septet_gateway.domain.errors import ApiError, invalid
from septet_gateway.domain.keys import Caller

PATH = "/v1/septet/documents/"
LONGEST_WAIT_S = 60.0
# Databases store neither larger numbers nor these characters: U+0000, and surrogates without their pair.
LARGEST_REVISION = 2**63 - 1
_REFUSED = re.compile("[\0\ud800-\udfff]")


class Documents:
    """Creates, replaces and deletes documents."""

    def __init__(self, indexer: Indexer, limit: int) -> None:
        self._indexer = indexer
        self._limit = limit

    async def put(self, request: Request, caller: Caller) -> Response:
        """``PUT``: create a document, or replace its text."""
        wait = _wait(request)
        try:
            event = _event(request, caller, "upsert", await read_object(request, self._limit))
        except ApiError as error:
            # The text is the only field that can be as large.
            raise _named(error, "text") if error.status == 413 else error from None
        return await self._submit(request, event, wait)

    async def delete(self, request: Request, caller: Caller) -> Response:
        """``DELETE``: delete a document, and every cached answer that is based on it."""
        revision = request.query_params.get("revision")
        event = _event(request, caller, "delete", {"revision": revision})
        return await self._submit(request, event, _wait(request))

    async def _submit(
        self, request: Request, event: UpsertDocument | DeleteDocument, wait: float
    ) -> Response:
        change = await while_connected(request, self._indexer.submit(event, wait))
        if change is None:
            return JSONResponse({"document_id": event.document_id, "status": "pending"}, status_code=202)
        return JSONResponse(_shown(change))


def _event(request: Request, caller: Caller, action: str, body: dict[str, Any]) -> Any:
    """The event of a body. The body may be large, so no caller keeps it while it waits."""
    given = owned(body, caller)
    for name, value in (("document_id", request.path_params["document_id"]), ("action", action)):
        if given.setdefault(name, value) != value:
            raise invalid(name, f"{name}: the path and the method name another one", "invalid_value")
    try:
        event = checked("documents", as_bytes(given), action)
    except ApiError as error:
        raise _named(error, _culprit(given)) from None
    if event.revision is not None and event.revision > LARGEST_REVISION:
        raise invalid("revision", f"revision: give at most {LARGEST_REVISION}", "invalid_value")
    return event


def _named(error: ApiError, param: str) -> ApiError:
    """An error with the name of a field, unless it has one."""
    if error.param is not None:
        return error
    return ApiError(error.status, f"{param}: {error.message}", code=error.code, param=param)


def _culprit(given: dict[str, Any]) -> str:
    """The field with characters that no document may have, or else the one that can be too large."""
    texts = (name for name, value in given.items() if isinstance(value, str) and _REFUSED.search(value))
    return next(texts, "text")


def _shown(change: DocumentChanged) -> dict[str, Any]:
    """The state of a document that the search indexes hold."""
    fields = {"document_id", "change", "content_hash", "passages", "embedded"}
    status = "indexed" if change.content_hash else "deleted"
    return {"status": status, **change.model_dump(mode="json", include=fields, exclude_none=True)}


def _wait(request: Request) -> float:
    """Seconds of the parameter ``wait``.

    Raises:
        ApiError: 400, it is not between 0 and 60.
    """
    try:
        seconds = float(request.query_params.get("wait", "0"))
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_WAIT_S:
        raise invalid("wait", f"wait: give 0 to {LONGEST_WAIT_S:g} seconds", "invalid_value")
    return seconds
