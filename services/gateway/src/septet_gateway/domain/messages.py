"""Messages of a conversation, in the forms of OpenAI's APIs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ValidationError, WithJsonSchema
from septet_contracts import Message

from septet_gateway.domain.errors import invalid, of_validation

Role = Literal["system", "user", "assistant"]

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
MAX_MESSAGES = 200
_TEXT_PARTS = ("text", "input_text", "output_text")
_CONTENT: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "maxLength": 32_768},
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "anyOf": [
                    {
                        "type": "object",
                        "title": "TextPart",
                        "properties": {"type": {"enum": [*_TEXT_PARTS]}, "text": {"type": "string"}},
                        "required": ["type", "text"],
                    },
                    {
                        "type": "object",
                        "title": "RefusalPart",
                        "properties": {"type": {"const": "refusal"}, "refusal": {"type": "string"}},
                        "required": ["type", "refusal"],
                    },
                ]
            },
        },
    ]
}
_MESSAGE: dict[str, Any] = {
    "anyOf": [
        {
            "type": "object",
            "title": "Message",
            "properties": {
                "role": {"enum": [role for role in _ROLES if role != "assistant"]},
                "content": _CONTENT,
            },
            "required": ["role", "content"],
        },
        {
            "type": "object",
            "title": "AssistantMessage",
            "properties": {
                "role": {"const": "assistant"},
                "content": {"anyOf": [*_CONTENT["anyOf"], {"type": "null"}]},
            },
            "required": ["role"],
        },
    ]
}
ASKED: dict[str, Any] = {"properties": {"role": {"enum": [role for role in _ROLES if role != "assistant"]}}}
"""The JSON Schema of a message that can be the question. A conversation has at least one."""
MessageObject = Annotated[dict[str, Any], WithJsonSchema(_MESSAGE)]
"""A message as in a body. :func:`messages_of` validates it; the JSON Schema documents it."""


def messages_of(given: list[dict[str, Any]], param: str) -> tuple[Message, ...]:
    """The conversation. If it has no user message, the last instruction is the question.

    Args:
        given: messages as in the body.
        param: the field that has them.

    Raises:
        ApiError: status 400; ``param`` names the part of the field.
    """
    messages = [_message(message, f"{param}[{n}]") for n, message in enumerate(given)]
    if not any(m.role == "user" for m in messages):
        last = max((n for n, m in enumerate(messages) if m.role == "system"), default=None)
        if last is None:
            raise invalid(param, f"{param}: give at least one message of the user", "invalid_value")
        messages[last] = messages[last].model_copy(update={"role": "user"})
    return tuple(messages)


def instruction_of(text: str, param: str) -> Message:
    """The message of an instruction.

    Raises:
        ApiError: status 400, the text is too long.
    """
    return _made("system", text, param)


def _message(message: dict[str, Any], param: str) -> Message:
    given = message.get("role")
    role = _ROLES.get(given) if isinstance(given, str) else None
    if role is None:
        raise invalid(
            f"{param}.role",
            f"{param}.role: give `user`, `assistant`, `system` or `developer`",
            "invalid_value",
        )
    content = _text(message.get("content"), f"{param}.content", optional=role == "assistant")
    return _made(role, content, f"{param}.content")


def _made(role: Role, content: str, param: str) -> Message:
    try:
        return Message(role=role, content=content)
    except ValidationError as error:
        found = of_validation(error)
        raise invalid(param, found.message.replace("content", param, 1), found.code) from None


def _text(content: object, param: str, *, optional: bool) -> str:
    """The text of a message: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    if content is None and optional:
        return ""
    if not isinstance(content, list) or not content:
        raise invalid(param, f"{param}: give a string or a list of parts", "invalid_value")
    return "\n".join(_part(part, f"{param}[{n}]") for n, part in enumerate(content))


def _part(part: object, param: str) -> str:
    if isinstance(part, dict):
        if part.get("type") in _TEXT_PARTS and isinstance(part.get("text"), str):
            return str(part["text"])
        if part.get("type") == "refusal" and isinstance(part.get("refusal"), str):
            return str(part["refusal"])
    raise invalid(f"{param}.type", f"{param}.type: only parts with text are available", "invalid_value")
