"""Bodies of ``POST /v1/chat/completions``, and the requests that they become."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from septet_contracts import CacheOptions, Message, Request, RetrievalOptions
from septet_contracts.envelope import ConversationId

from septet_gateway.domain.errors import ApiError, invalid

_MAX_STOPS = 4
_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_TEXT_PARTS = ("text", "input_text", "output_text")


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


class StreamOptions(BaseModel):
    """The object ``stream_options``."""

    include_usage: bool = False


class ChatBody(BaseModel):
    """The fields that the gateway reads; further fields are ignored.

    A field that is ``null`` counts as absent.
    """

    messages: list[dict[str, Any]] = Field(min_length=1)
    model: str = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    n: int = Field(default=1, ge=1)
    stop: str | list[str] = []
    response_format: dict[str, Any] = {"type": "text"}
    modalities: list[str] = ["text"]
    tool_choice: str | dict[str, Any] = "auto"
    function_call: str | dict[str, Any] = "auto"
    septet: SeptetOptions = SeptetOptions()

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop sequences."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop
        return tuple(s for s in given if s)


def parse_chat(body: dict[str, Any]) -> ChatBody:
    """Validate a body.

    Raises:
        ApiError: status 400; ``param`` names the field.
    """
    try:
        chat = ChatBody.model_validate(_without_nulls(body))
    except ValidationError as error:
        raise of_validation(error) from None
    _refuse_unsupported(chat)
    return chat


def to_request(chat: ChatBody, alias: str, tenant: str, request_id: str) -> Request:
    """The request of a body. The same body under the same id gives the same bytes.

    Raises:
        ApiError: status 400; ``param`` names the field.
    """
    options = chat.septet
    try:
        return Request(
            request_id=request_id,
            tenant=tenant,
            conversation_id=options.conversation_id,
            messages=_messages(chat.messages),
            model=alias,
            output_schema=_output_schema(chat.response_format),
            **{name: getattr(options, name) for name in _CARRIED},
        )
    except ValidationError as error:
        raise of_validation(error) from None


_CARRIED = ("retrieval", "cache", "policy", "reference", "generate", "deadline")


def of_validation(error: ValidationError) -> ApiError:
    """The first error of a validation, with the field in OpenAI's notation: ``messages[0].content``."""
    first = error.errors(include_url=False, include_input=False)[0]
    param = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    code = "missing_required_parameter" if first["type"] == "missing" else "invalid_value"
    return invalid(param or None, f"{param or 'body'}: {first['msg']}", code)


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in body.items() if value is not None}
    for name in ("septet", "stream_options"):
        if isinstance(given.get(name), dict):
            given[name] = {k: v for k, v in given[name].items() if v is not None}
    return given


def _refuse_unsupported(chat: ChatBody) -> None:
    """Reject what would change the answer's form; other unsupported parameters have no effect."""
    unsupported = "unsupported_parameter"
    if chat.n > 1:
        raise invalid("n", "n: only one choice is available", unsupported)
    if len(chat.stops) > _MAX_STOPS:
        raise invalid("stop", f"stop: give at most {_MAX_STOPS} sequences", "invalid_value")
    if set(chat.modalities) - {"text"}:
        raise invalid("modalities", "modalities: only text is available", unsupported)
    for name in ("tool_choice", "function_call"):
        if getattr(chat, name) not in ("auto", "none"):
            raise invalid(name, f"{name}: tools are never called; give `auto` or `none`", unsupported)


def _output_schema(wanted: dict[str, Any]) -> dict[str, Any] | None:
    kind = wanted.get("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return {"type": "object"}
    if kind != "json_schema":
        raise invalid(
            "response_format.type",
            "response_format.type: give `text`, `json_object` or `json_schema`",
            "invalid_value",
        )
    schema = wanted.get("json_schema")
    schema = schema.get("schema") if isinstance(schema, dict) else None
    if not isinstance(schema, dict):
        field = "response_format.json_schema.schema"
        raise invalid(field, f"{field}: give a JSON Schema", "missing_required_parameter")
    return schema


def _messages(given: list[dict[str, Any]]) -> tuple[Message, ...]:
    """The conversation. If it has no user message, the last instruction is the question."""
    messages = [_message(message, f"messages[{n}]") for n, message in enumerate(given)]
    if not any(m.role == "user" for m in messages):
        last = max((n for n, m in enumerate(messages) if m.role == "system"), default=None)
        if last is None:
            raise invalid("messages", "messages: give at least one message of the user", "invalid_value")
        messages[last] = messages[last].model_copy(update={"role": "user"})
    return tuple(messages)


def _message(message: dict[str, Any], param: str) -> Message:
    role = _ROLES.get(message.get("role") or "")
    if role is None:
        raise invalid(
            f"{param}.role",
            f"{param}.role: give `user`, `assistant`, `system` or `developer`",
            "invalid_value",
        )
    content = _text(message.get("content"), f"{param}.content", optional=role == "assistant")
    try:
        return Message(role=role, content=content)
    except ValidationError as error:
        found = of_validation(error)
        raise invalid(f"{param}.content", f"{param}.{found.message}", found.code) from None


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
