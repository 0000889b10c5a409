"""Bodies of ``POST /v1/responses``, and the requests that they become."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, WithJsonSchema
from septet_contracts import Request

from septet_gateway.domain.errors import ApiError, invalid, of_validation
from septet_gateway.domain.messages import ASKED, MAX_MESSAGES, MessageObject, instruction_of, messages_of
from septet_gateway.domain.options import (
    SeptetOptions,
    TextFormat,
    ToolChoice,
    output_schema,
    request_of,
    without_nulls,
)

_REFUSED = {
    "previous_response_id": "send the earlier messages in `input`",
    "conversation": "send the earlier messages in `input`",
    "background": "read the response later at /v1/septet/responses",
    "prompt": "send its text as `instructions`",
}
"""Fields whose value would change the meaning of a call, and what to do instead."""

_FUNCTIONS = ("function", "custom")
_TOOL: dict[str, Any] = {
    "type": "object",
    "properties": {"type": {"enum": [*_FUNCTIONS]}},
    "required": ["type"],
}
Tool = Annotated[dict[str, Any], WithJsonSchema(_TOOL)]


class TextOptions(BaseModel):
    """The object ``text``."""

    format: TextFormat = {"type": "text"}


class ResponsesBody(BaseModel):
    """The fields that the gateway reads; further fields are ignored.

    A field that is ``null`` counts as absent.
    """

    input: str | list[MessageObject] = Field(
        min_length=1, json_schema_extra={"maxItems": MAX_MESSAGES, "contains": ASKED}
    )
    model: str = Field(min_length=1)
    instructions: str | None = None
    stream: bool = False
    text: TextOptions = TextOptions()
    tools: list[Tool] = []
    tool_choice: ToolChoice = "auto"
    metadata: dict[str, str] = {}
    septet: SeptetOptions = SeptetOptions()


def parse_responses(body: dict[str, Any]) -> ResponsesBody:
    """Validate a body.

    Raises:
        ApiError: status 400; ``param`` names the field.
    """
    given = without_nulls(body, "septet", "text")
    for name, fix in _REFUSED.items():
        if given.get(name):
            raise invalid(name, f"{name}: not available; {fix}", "unsupported_parameter")
    if isinstance(given.get("input"), list) and len(given["input"]) > MAX_MESSAGES:
        raise invalid("input", f"input: give at most {MAX_MESSAGES} messages", "invalid_value")
    try:
        parsed = ResponsesBody.model_validate(given)
    except ValidationError as error:
        raise of_validation(error) from None
    _refuse_tools(parsed)
    return parsed


def to_request(body: ResponsesBody, alias: str, tenant: str, request_id: str) -> Request:
    """The request of a body. The same body under the same id gives the same bytes.

    Raises:
        ApiError: status 400; ``param`` names the field.
    """
    messages = messages_of(_input(body), "input")
    if body.instructions:
        messages = (instruction_of(body.instructions, "instructions"), *messages)
    schema = output_schema(body.text.format, "text.format")
    try:
        return request_of(
            body.septet,
            messages,
            schema,
            model=alias,
            tenant=tenant,
            request_id=request_id,
            stream=body.stream,
        )
    except ApiError as error:
        if error.param != "messages":
            raise
        raise invalid("input", error.message.replace("messages", "input", 1), error.code) from None


def _input(body: ResponsesBody) -> list[dict[str, Any]]:
    """The messages of ``input``."""
    if isinstance(body.input, str):
        return [{"role": "user", "content": body.input}]
    for n, item in enumerate(body.input):
        if item.get("type") not in (None, "message"):
            param = f"input[{n}].type"
            raise invalid(param, f"{param}: only messages are available", "unsupported_parameter")
    return body.input


def _refuse_tools(body: ResponsesBody) -> None:
    """Reject tools that a call forces, and those that the server would run. Functions may stay uncalled."""
    for n, tool in enumerate(body.tools):
        if tool.get("type") not in _FUNCTIONS:
            param = f"tools[{n}].type"
            raise invalid(param, f"{param}: tools are never called", "unsupported_parameter")
    if body.tool_choice not in ("auto", "none"):
        message = "tool_choice: tools are never called; give `auto` or `none`"
        raise invalid("tool_choice", message, "unsupported_parameter")
