"""Writes docs/reference/openapi.yaml and its page: ``python docs/generate/openapi_page.py``.

With ``--check`` it writes nothing, and ends with 1 if a committed file differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from septet_contracts.asyncapi import render
from septet_contracts.reference import field_table
from septet_gateway.api.openapi.document import document

FOLDER = Path(__file__).parents[1] / "reference"
HEAD = """# Operations of the HTTP API

Generated from the gateway's models by `make contracts`; do not edit. [openapi.yaml](openapi.yaml) is the same as an OpenAPI 3.1
document, which the gateway serves at `/openapi.json`. [The HTTP API](gateway.md) explains the behaviour. Every answer to a key
with a limit also has [`x-ratelimit-*`](gateway.md#quotas).
"""
RATE = "x-ratelimit-"
MEDIA = {"application/json": "JSON", "text/event-stream": "a stream", "text/plain": "plain text"}


def files() -> dict[str, str]:
    """The text of each file, by name."""
    return {"openapi.yaml": render(document()), "http-api.md": page(document())}


def page(api: dict[str, Any]) -> str:
    """The operations, the bodies and the errors."""
    operations = [(m.upper(), path, o) for path, item in api["paths"].items() for m, o in item.items()]
    lines = [HEAD, "| call | scope | does |", "| --- | --- | --- |"]
    for method, path, operation in operations:
        call = f"[`{method} {path}`](#{operation['operationId'].lower()})"
        lines.append(f"| {call} | {_scope(operation)} | {_sentence(operation['summary'])} |")
    for method, path, operation in operations:
        lines += ["", f"## {operation['operationId']}", "", *_operation(method, path, operation, api)]
    errors = {name.removeprefix("Error"): answer for name, answer in api["components"]["responses"].items()}
    lines += ["", "## Errors", "", *_answers(errors, api)]
    lines += ["", "## Objects", "", "<details><summary>Fields of all objects</summary>"]
    for name, schema in api["components"]["schemas"].items():
        if "properties" in schema:
            lines += ["", f"**{name}**", "", *field_table(schema, api)]
    return "\n".join([*lines, "", "</details>"]) + "\n"


def _operation(method: str, path: str, operation: dict[str, Any], api: dict[str, Any]) -> Iterator[str]:
    yield f"`{method} {path}`. {operation['summary']} {operation.get('description', '')}".rstrip()
    parameters = [_found(p, api) for p in operation.get("parameters", ())]
    if parameters:
        yield from ("", "| parameter | in | meaning |", "| --- | --- | --- |")
        for parameter in parameters:
            yield f"| `{parameter['name']}` | {parameter['in']} | {parameter['description']} |"
    if "requestBody" in operation:
        name = _target(operation["requestBody"]["content"]["application/json"]["schema"])
        body = api["components"]["schemas"][name]
        yield from ("", f"Body: `{name}`.")
        for model in [_found(member, api) for member in body.get("oneOf", ())] or [body]:
            title = [f"**{model['title']}**", ""] if model is not body else []
            yield from ("", *title, *field_table(model, api))
    answers = {status: answer for status, answer in operation["responses"].items() if "$ref" not in answer}
    yield from ("", *_answers(answers, api))
    errors = ", ".join(status for status in operation["responses"] if status not in answers)
    yield from ("", f"[Errors](#errors): {errors}.")


def _answers(answers: dict[str, Any], api: dict[str, Any]) -> Iterator[str]:
    yield from ("| status | answer |", "| --- | --- |")
    for status, answer in answers.items():
        yield f"| {status} | {_answer(answer, api)} |"


def _answer(answer: dict[str, Any], api: dict[str, Any]) -> str:
    whole = _found(answer, api)
    kinds = [
        f"{MEDIA[media]} ({', '.join(f'`{_target(schema)}`' for schema in schemas)})"
        for media, content in whole["content"].items()
        if (schemas := _schemas(content["schema"]))
    ]
    headers = ", ".join(f"`{name}`" for name in whole.get("headers", ()) if not name.startswith(RATE))
    text = f"{whole['description']} {' or '.join(kinds)}"
    return f"{text}. Headers: {headers}" if headers else text


def _schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The components of a body, or of the events of a stream."""
    if "properties" in schema:
        data = schema["properties"]["data"]
        found: list[dict[str, Any]] = data.get("anyOf", [data])[0]["contentSchema"]["anyOf"]
        return found
    return [schema] if "$ref" in schema else []


def _target(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[-1]


def _scope(operation: dict[str, Any]) -> str:
    return ", ".join(f"`{scope}`" for need in operation["security"] for scope in need["apiKey"]) or "no key"


def _sentence(text: str) -> str:
    return text[0].lower() + text[1:].rstrip(".")


def _found(part: dict[str, Any], api: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or the target of its reference."""
    if "$ref" not in part:
        return part
    found: Any = api
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    target: dict[str, Any] = found
    return target


def main(arguments: list[str]) -> int:
    """Write the files, or compare them."""
    differ = [name for name, text in files().items() if not _is_current(name, text)]
    if "--check" in arguments:
        for name in differ:
            print(f"{name} differs: run `make contracts` and commit docs/reference", file=sys.stderr)
        return 1 if differ else 0
    for name, text in files().items():
        (FOLDER / name).write_text(text, "utf-8")
        print(f"wrote {FOLDER / name}")
    return 0


def _is_current(name: str, text: str) -> bool:
    return (FOLDER / name).is_file() and (FOLDER / name).read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
