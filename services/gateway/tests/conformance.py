"""Compares an answer with the OpenAPI document."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from septet_gateway.api.openapi.document import document

_ID = "urn:septet:openapi"
# Headers of the API itself. Others belong to HTTP, to CORS or to proxies.
_OWN = re.compile(r"x-(?!accel-).*|retry-after.*|location|preference-applied|www-authenticate")


@cache
def _registry() -> Registry[Any]:
    return Registry().with_resource(_ID, Resource.from_contents(document(), DRAFT202012))


@cache
def _validator(name: str) -> Draft202012Validator:
    """The validator of a component."""
    return Draft202012Validator({"$ref": f"{_ID}#/components/schemas/{name}"}, registry=_registry())


def deviation(response: httpx.Response) -> str | None:
    """What an answer has that the document does not allow; ``None`` for nothing.

    Calls without an operation are not compared, and neither are the answers to preflights.
    """
    request = response.request
    operation = _operation(request.method, request.url.path)
    if operation is None:
        return None
    call = f"{request.method} {request.url.path}"
    answer = operation["responses"].get(str(response.status_code))
    if answer is None:
        return f"{call}: status {response.status_code} is not documented"
    if "$ref" in answer:
        answer = document()["components"]["responses"][answer["$ref"].rsplit("/", 1)[-1]]
    if (header := _wrong_header(response, answer.get("headers", {}))) is not None:
        return f"{call}: {header}"
    media = response.headers.get("content-type", "").partition(";")[0]
    if media not in answer["content"]:
        return f"{call}: {media} is not documented"
    content = answer["content"][media]
    if media == "text/event-stream":
        data = content["schema"]["properties"]["data"]
        schemas, values = data.get("anyOf", [data])[0]["contentSchema"]["anyOf"], _events(response.text)
    else:
        schemas, values = [content["schema"]], [response.json()]
    for value in values:
        found = [next(_validator(s["$ref"].rsplit("/", 1)[-1]).iter_errors(value), None) for s in schemas]
        if None not in found:
            return f"{call}: {found[0].message}"  # type: ignore[union-attr]
    return None


def _wrong_header(response: httpx.Response, documented: dict[str, Any]) -> str | None:
    """A header of the API that is not documented, or whose value does not satisfy its schema."""
    for name in filter(_OWN.fullmatch, response.headers):
        if name not in documented:
            return f"the header {name} is not documented"
        component = document()["components"]["headers"][documented[name]["$ref"].rsplit("/", 1)[-1]]
        if not Draft202012Validator(component["schema"]).is_valid(response.headers[name]):
            return f"the header {name} has the value {response.headers[name]!r}"
    return None


def check(response: httpx.Response) -> None:
    """Raise if an answer deviates from the document."""
    response.read()
    found = deviation(response)
    assert found is None, found


def _operation(method: str, path: str) -> dict[str, Any] | None:
    """The operation of a call."""
    for pattern, item in document()["paths"].items():
        expression = re.sub(r"\\{\w+\\}", ".+", re.escape(pattern))
        if re.fullmatch(expression, path) and method.lower() in item:
            operation: dict[str, Any] = item[method.lower()]
            return operation
    return None


def _events(text: str) -> list[Any]:
    """The events of a stream. A late error is an event, too."""
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(part) for part in data if part != "[DONE]"]
