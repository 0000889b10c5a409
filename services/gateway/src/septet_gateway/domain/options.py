"""What the bodies of OpenAI's APIs share: Septet's options, formats of the answer, and the request."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from septet_contracts import CacheOptions, Message, Request, RetrievalOptions
from septet_contracts.envelope import ConversationId

from septet_gateway.domain.errors import invalid, of_validation

ToolChoice = Annotated[str | dict[str, Any], WithJsonSchema({"enum": ["auto", "none"]})]
"""A choice of tools. Other values are refused by name."""


class SeptetOptions(BaseModel):
    """The object ``septet`` of a body: the options of a request that OpenAI's API does not have."""

    model_config = ConfigDict(extra="forbid")

    conversation_id: ConversationId | None = None
    retrieval: RetrievalOptions = RetrievalOptions()
    cache: CacheOptions = CacheOptions()
    policy: str = Field(default="default", max_length=64)
    reference: str | tuple[str, ...] | None = None
    generate: bool = True
    deadline: AwareDatetime | None = None
    epochs: bool = False


def request_of(
    options: SeptetOptions,
    messages: tuple[Message, ...],
    schema: dict[str, Any] | None,
    *,
    model: str,
    tenant: str,
    request_id: str,
    stream: bool,
) -> Request:
    """The request of a conversation.

    Raises:
        ApiError: status 400; ``param`` names the field.
    """
    try:
        return Request(
            request_id=request_id,
            tenant=tenant,
            conversation_id=options.conversation_id,
            messages=messages,
            model=model,
            stream=stream,
            output_schema=schema,
            retrieval=options.retrieval,
            cache=options.cache,
            policy=options.policy,
            reference=options.reference,
            generate=options.generate,
            deadline=options.deadline,
        )
    except ValidationError as error:
        raise of_validation(error) from None


def _format_schema(nested: str | None) -> dict[str, Any]:
    """The JSON Schema of a format of the answer; ``nested`` as in :func:`output_schema`."""
    needed: dict[str, Any] = {"properties": {"schema": {"type": "object"}}, "required": ["schema"]}
    if nested is not None:
        needed = {"properties": {nested: {"type": "object", **needed}}, "required": [nested]}
    return {
        "type": "object",
        "properties": {"type": {"enum": ["text", "json_object", "json_schema"]}},
        "required": ["type"],
        "if": {"properties": {"type": {"const": "json_schema"}}},
        "then": needed,
    }


ResponseFormat = Annotated[dict[str, Any], WithJsonSchema(_format_schema("json_schema"))]
TextFormat = Annotated[dict[str, Any], WithJsonSchema(_format_schema(None))]


def output_schema(wanted: dict[str, Any], param: str, nested: str | None = None) -> dict[str, Any] | None:
    """The JSON Schema of a format of the answer.

    Args:
        wanted: the format.
        param: the field that has it.
        nested: its object with the field ``schema``; ``None`` if that is the format itself.

    Raises:
        ApiError: status 400; ``param`` names the part of the field.
    """
    kind = wanted.get("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return {"type": "object"}
    if kind != "json_schema":
        field = f"{param}.type"
        raise invalid(field, f"{field}: give `text`, `json_object` or `json_schema`", "invalid_value")
    holder = wanted if nested is None else wanted.get(nested)
    schema = holder.get("schema") if isinstance(holder, dict) else None
    if not isinstance(schema, dict):
        field = f"{param}.{nested}.schema" if nested else f"{param}.schema"
        raise invalid(field, f"{field}: give a JSON Schema", "missing_required_parameter")
    return schema


def without_nulls(body: dict[str, Any], *objects: str) -> dict[str, Any]:
    """A body without the fields that are ``null``, also in these objects."""
    given = {name: value for name, value in body.items() if value is not None}
    for name in objects:
        if isinstance(given.get(name), dict):
            given[name] = {k: v for k, v in given[name].items() if v is not None}
    return given
