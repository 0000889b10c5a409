"""The OpenAPI 3.1 document."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

from septet_contracts.documents import UpsertDocument

from septet_gateway.api.bodies import LONGEST_KEY
from septet_gateway.api.documents import LARGEST_REVISION, LONGEST_WAIT_S
from septet_gateway.api.openapi.headers import HEADERS, RATE, headers
from septet_gateway.api.openapi.operations import OPERATIONS, Answer, Operation
from septet_gateway.api.openapi.schemas import Schema, components, reference
from septet_gateway.domain.keys import SCOPES

_ABOUT = """Questions in, checked and traceable answers out. Any client of OpenAI's API works.

The tenant of a call is that of its API key. The scope in an operation's security requirement is what the key needs;
`admin` includes all scopes. Fields of a body that the schema does not name are ignored, and a field that is `null`
counts as absent. A trailing slash of a path has no effect, except in the id of a document."""
_ERROR_HEADERS = {
    401: ("WwwAuthenticate",),
    409: ("XShouldRetry",),
    429: ("RetryAfter", "RetryAfterMs", "XShouldRetry"),
    503: ("RetryAfter", "RetryAfterMs", "XShouldRetry"),
}
_ERRORS = {
    400: "The body, a parameter or a header is invalid; `param` names it.",
    401: "The key is missing, unknown, revoked or expired, or in the query string.",
    403: "The key does not have the scope, or the body names another tenant.",
    404: "There is no such model or request.",
    408: "The body took too long to arrive.",
    409: "The request id was used with another body.",
    413: "The body is too large.",
    429: "Too many calls wait, or the key has reached a limit.",
    500: "An unexpected error.",
    502: "The model or the embeddings endpoint failed.",
    503: "A part is down or busy. Above the limit of connections the body is plain text.",
    504: "There was no response by the deadline. It can be read later.",
}


@cache
def document() -> dict[str, Any]:
    """The document of all operations."""
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    open_api = {"type": "object", "title": "OpenApi", "description": "A document of OpenAPI 3.1."}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Septet",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**components(), "OpenApi": open_api}.items())),
            "parameters": _parameters(),
            "headers": HEADERS,
            "responses": {f"Error{status}": _error(status, about) for status, about in _ERRORS.items()},
            "securitySchemes": {"apiKey": _security()},
        },
    }


def _operation(operation: Operation) -> Schema:
    made: Schema = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.about,
        "security": []
        if operation.scope is None
        else [{"apiKey": [operation.scope] if operation.scope else []}],
    }
    if operation.note:
        made["description"] = operation.note
    if operation.parameters:
        made["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters]
    if operation.body is not None:
        content = {"application/json": {"schema": reference(operation.body)}}
        made["requestBody"] = {"required": True, "content": content}
    rate = RATE if operation.scope is not None else ()
    answers = {str(status): _answer(answer, rate) for status, answer in operation.answers.items()}
    errors = {str(s): {"$ref": f"#/components/responses/Error{s}"} for s in sorted(operation.errors)}
    return {**made, "responses": {**answers, **errors}}


def _answer(answer: Answer, rate: tuple[str, ...]) -> Schema:
    content: Schema = {"application/json": {"schema": reference(answer.schema)}}
    if answer.events:
        content["text/event-stream"] = {"schema": _event(answer)}
    return {"description": answer.about, **headers((*answer.headers, *rate)), "content": content}


def _event(answer: Answer) -> Schema:
    """Each event of a stream."""
    kinds = {"anyOf": [*map(reference, answer.events)]}
    data: Schema = {"type": "string", "contentMediaType": "application/json", "contentSchema": kinds}
    if answer.last is not None:
        data = {"anyOf": [data, {"const": answer.last}]}
    return {
        "type": "object",
        "description": "Each server-sent event, if `stream` is true.",
        "properties": {"event": {"type": "string"}, "data": data},
        "required": ["data"],
    }


def _error(status: int, about: str) -> Schema:
    content: Schema = {"application/json": {"schema": reference("Error")}}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        content["text/plain"] = {"schema": {"type": "string"}}
    # Limits belong to a key, which status 401 refuses.
    rate = RATE if status != HTTPStatus.UNAUTHORIZED else ()
    return {"description": about, **headers((*_ERROR_HEADERS.get(status, ()), *rate)), "content": content}


def _security() -> Schema:
    scopes = ", ".join(f"`{scope}`" for scope in SCOPES)
    about = f"An API key, `sk-septet-<id>-<secret>`. Its scopes are some of {scopes}."
    return {"type": "http", "scheme": "bearer", "description": about}


def _parameters() -> dict[str, Schema]:
    id_schema = UpsertDocument.model_json_schema()["properties"]["document_id"]
    document_id = {key: id_schema[key] for key in ("type", "minLength", "maxLength")}
    any_text = {"type": "string", "minLength": 1}
    wait = {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT_S, "default": 0}
    revision = {"type": "integer", "minimum": 0, "maximum": LARGEST_REVISION}
    key = {"type": "string", "maxLength": LONGEST_KEY}
    trace = "The call's span becomes a child of this one."
    return {
        "Model": _in("path", "model", "The model's name.", any_text),
        "RequestId": _in("path", "request_id", "The id of the request.", any_text),
        "DocumentId": _in(
            "path",
            "document_id",
            "The id. It may have slashes; percent-encode `?`, `#` and `%`.",
            document_id,
        ),
        "Wait": _in("query", "wait", "Seconds to wait until the search indexes hold the state.", wait),
        "Revision": _in("query", "revision", "A lower one than the stored one changes nothing.", revision),
        "IdempotencyKey": _in(
            "header",
            "Idempotency-Key",
            "Becomes the id of the request or of the feedback, as a hash if it is not a valid id. The same key "
            "and body lead to the same response, another body to status 409.",
            key,
        ),
        "Prefer": _in(
            "header",
            "Prefer",
            "`respond-async`: answer with status 202 as soon as the request is on the log.",
            {"type": "string"},
        ),
        "Traceparent": _in("header", "traceparent", f"W3C trace context. {trace}", {"type": "string"}),
        "Tracestate": _in("header", "tracestate", "W3C trace context.", {"type": "string"}),
    }


def _in(place: str, name: str, about: str, schema: Schema) -> Schema:
    return {
        "name": name,
        "in": place,
        "description": about,
        **({"required": True} if place == "path" else {}),
        "schema": schema,
    }
