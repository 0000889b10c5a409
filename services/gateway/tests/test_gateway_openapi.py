"""The OpenAPI document and the application have the same operations, scopes and answers."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from septet_gateway.api.console import ROUTES as CONSOLE
from septet_gateway.api.openapi.document import document
from septet_gateway.api.openapi.operations import OPERATIONS, Operation
from septet_gateway.domain.keys import SCOPES
from starlette.routing import Route
from starlette.testclient import TestClient

from .conformance import deviation
from .conftest import open_client
from .support import KEYS, World

SCOPED = [operation for operation in OPERATIONS if operation.scope]
_NOT_DOCUMENTED = {"HEAD", "OPTIONS"}


def routed(world: World) -> set[tuple[str, str]]:
    """Methods and paths of the router, without the console's files, which are no API."""
    routes = [route for route in world.app().routes if isinstance(route, Route)]
    assert len(routes) == len(world.app().routes)
    return {
        (method, re.sub(r":\w+}", "}", route.path))
        for route in routes
        if route not in CONSOLE
        for method in (route.methods or set()) - _NOT_DOCUMENTED
    }


def test_the_document_has_the_routes_of_the_application(world: World) -> None:
    documented = {(m.upper(), path) for path, item in document()["paths"].items() for m in item}
    assert documented - routed(world) == set()
    assert routed(world) - documented == set()


@pytest.mark.parametrize("operation", SCOPED, ids=lambda o: o.name)
def test_a_call_needs_the_documented_scope(operation: Operation, world: World) -> None:
    codes = {scope: _code(world, scope, operation) for scope in SCOPES if scope in KEYS}
    assert {scope for scope, code in codes.items() if code != "missing_scope"} == {operation.scope, "admin"}
    with open_client(world, "sk-septet-none") as client:
        response = client.request(operation.method, re.sub(r"{\w+}", "x", operation.path))
    assert response.json()["error"]["code"] == "invalid_api_key"


def _code(world: World, scope: str, operation: Operation) -> str | None:
    with open_client(world, KEYS[scope]) as client:
        response = client.request(operation.method, re.sub(r"{\w+}", "x", operation.path), content=b"{")
    body = response.json()
    return body["error"]["code"] if "error" in body else None


def test_the_document_is_served_without_a_key(world: World) -> None:
    with TestClient(world.app()) as client:
        response = client.get("/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == document()


def test_a_deviation_from_the_document_is_found(client: TestClient) -> None:
    response = client.get("/v1/models/septet")
    assert deviation(response) is None
    response._content = b'{"id": "septet"}'
    assert "'object' is a required property" in (deviation(response) or "")
    response.status_code = 418
    assert "418" in (deviation(response) or "")


def test_the_headers_of_the_limits_are_documented(world: World) -> None:
    """The client compares the headers of each answer with the document."""
    limits = {"key_requests_per_minute": 3, "key_tokens_per_minute": 1000}
    with open_client(world, **limits) as client:
        answers = [client.get(f"/v1/models{path}") for path in ("", "/none", "", "")]
    assert [answer.status_code for answer in answers] == [200, 404, 200, 429]
    for answer in answers:
        sent = {name for name in answer.headers if name.startswith("x-ratelimit-")}
        assert len(sent) == 6
        assert deviation(answer) is None
    answers[0].headers["x-ratelimit-reset-tokens"] = "1 s"
    assert "x-ratelimit-reset-tokens has the value '1 s'" in (deviation(answers[0]) or "")
    answers[0].headers["x-ratelimit-limit-calls"] = "3"
    answers[0].headers["x-ratelimit-reset-tokens"] = "1s"
    assert "x-ratelimit-limit-calls is not documented" in (deviation(answers[0]) or "")


@pytest.mark.parametrize("value", ["a%0Ab", "a%0A", "%0D%0A", "a/b%0A/c"])
def test_a_part_of_a_path_may_have_line_breaks(world: World, value: str) -> None:
    with open_client(world, KEYS["documents"]) as client:
        assert client.put(f"/v1/septet/documents/{value}", json={"text": "x"}).status_code == 202
        assert client.delete(f"/v1/septet/documents/{value}").status_code == 202
    assert [e.document_id for e in world.log.published] == [unquote(value)] * 2
    with open_client(world) as client:
        assert client.get(f"/v1/models/{value}").json()["error"]["code"] == "model_not_found"
