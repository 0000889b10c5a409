"""JSON Schemas of bodies and answers, as components of the document."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from septet_contracts import Response, topic
from septet_contracts.schema import topic_schema

from septet_gateway.api.openapi import objects
from septet_gateway.domain.chat import ChatBody
from septet_gateway.domain.embeddings import EmbeddingsBody
from septet_gateway.domain.responses import ResponsesBody

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"
_ANSWERS: tuple[type[BaseModel], ...] = (
    objects.AcceptedFeedback,
    objects.CancellingRequest,
    objects.ChatCompletion,
    objects.ChatCompletionChunk,
    objects.DocumentState,
    objects.EmbeddingList,
    objects.Error,
    objects.ModelItem,
    objects.ModelList,
    objects.PendingDocument,
    objects.PendingResponse,
    objects.Session,
    objects.ResponseObject,
    objects.ResponseStreamEvent,
    Response,
)
_ANNOTATIONS = ("title", "description", "default")
_BY_PATH = ("contract", "version", "action", "document_id")


def reference(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"{_REFERENCE}{name}"}


def components() -> dict[str, Schema]:
    """All schemas, by name.

    Raises:
        ValueError: two different models have the same name.
    """
    found: dict[str, Schema] = {}
    for name, schema in (*_bodies(), *((m.__name__, m.model_json_schema()) for m in _ANSWERS)):
        _add(found, name, schema)
    return dict(sorted(found.items()))


def _bodies() -> Iterable[tuple[str, Schema]]:
    """The bodies of calls. A field that is ``null`` counts as absent."""
    for model in (ChatBody, ResponsesBody, EmbeddingsBody):
        yield model.__name__, _nullable(model.model_json_schema())
    request = _request()
    yield "RequestBody", _nullable(_described(request, "A question and its options: the contract itself."))
    yield "CheckBody", _nullable(_check(request))
    document = copy.deepcopy(topic_schema(topic("documents")))
    upsert = {**document["$defs"].pop("UpsertDocument"), "$defs": document["$defs"]}
    upsert["$defs"].pop("DeleteDocument")
    about = "The text of a document and its data. The path has the id."
    yield "DocumentBody", _nullable(_described(_without(upsert, _BY_PATH), about))
    feedback = topic_schema(topic("feedback"))
    feedback["$defs"] = {
        name: _nullable(_optional(model, "feedback_id")) for name, model in feedback["$defs"].items()
    }
    yield "FeedbackBody", _described(feedback, "Feedback on an answer. `request_id` names the answer.")


def _request() -> Schema:
    """The contract of requests: with an optional id, and a question or a conversation with one."""
    asked = {"contains": {"properties": {"role": {"const": "user"}}}, "type": "array"}
    named: dict[str, Schema] = {"question": {"type": "string"}, "messages": asked}
    either = [{"properties": {name: schema}, "required": [name]} for name, schema in named.items()]
    return {**_optional(topic_schema(topic("requests")), "request_id"), "anyOf": either}


def _check(request: Schema) -> Schema:
    """The body of a check: the fields of ``check`` are in the body itself."""
    definitions = {name: part for name, part in request["$defs"].items() if name != "Check"}
    without = _without(request, ("check",))
    fields = {**without["properties"], **request["$defs"]["Check"]["properties"]}
    checked = {**without, "$defs": definitions, "properties": fields}
    return _described(checked, "Texts that the rails check. There is no search and no model call.")


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _optional(schema: Schema, *names: str) -> Schema:
    """A schema in which these fields are not required."""
    return {**schema, "required": [n for n in schema.get("required", ()) if n not in names]}


def _without(schema: Schema, names: Iterable[str]) -> Schema:
    """A schema without these fields."""
    kept = {name: part for name, part in schema["properties"].items() if name not in names}
    return {**_optional(schema, *names), "properties": kept}


def _nullable(schema: Schema) -> Schema:
    """A schema whose optional fields may be ``null``."""
    required = schema.get("required", ())
    fields = schema.get("properties", {})
    return {
        **schema,
        "properties": {name: f if name in required else _or_null(f) for name, f in fields.items()},
    }


def _or_null(field: Schema) -> Schema:
    if {"type": "null"} in field.get("anyOf", ()):
        return field
    about = {name: part for name, part in field.items() if name in _ANNOTATIONS}
    values = {name: part for name, part in field.items() if name not in _ANNOTATIONS}
    return {"anyOf": [values, {"type": "null"}], **about}


def _add(found: dict[str, Schema], name: str, schema: Mapping[str, Any]) -> None:
    """Add a schema and its definitions to the components."""
    adapted = _adapted(schema)
    definitions = adapted.pop("$defs", {})
    main = {key: part for key, part in adapted.items() if key not in ("$schema", "$id")}
    for key, definition in {**definitions, name: {**main, "title": name}}.items():
        if found.setdefault(key, definition) != definition:
            raise ValueError(f"two different models have the name {key}")


def _adapted(node: Any) -> Any:
    """A schema whose references lead to the components."""
    if isinstance(node, list):
        return [*map(_adapted, node)]
    if isinstance(node, str):
        return node.replace("#/$defs/", _REFERENCE)
    if isinstance(node, dict):
        return {name: _adapted(part) for name, part in node.items()}
    return node
