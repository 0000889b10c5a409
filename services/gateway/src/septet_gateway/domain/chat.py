"""Bodies of ``POST /v1/chat/completions``, and the requests that they become."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, ValidationError
from septet_contracts import Request

from septet_gateway.domain.errors import invalid, of_validation
from septet_gateway.domain.messages import ASKED, MAX_MESSAGES, MessageObject, messages_of
from septet_gateway.domain.options import (
    ResponseFormat,
    SeptetOptions,
    ToolChoice,
    output_schema,
    request_of,
    without_nulls,
)

_MAX_STOPS = 4


class StreamOptions(BaseModel):
    """The object ``stream_options``."""

    include_usage: bool = False


class ChatBody(BaseModel):
    """The fields that the gateway reads; further fields are ignored.

    A field that is ``null`` counts as absent.
    """

    messages: list[MessageObject] = Field(
        min_length=1, max_length=MAX_MESSAGES, json_schema_extra={"contains": ASKED}
    )
    model: str = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    n: int = Field(default=1, ge=1, json_schema_extra={"maximum": 1})
    stop: str | list[str] = Field(default=[], json_schema_extra={"maxItems": _MAX_STOPS})
    response_format: ResponseFormat = {"type": "text"}
    modalities: list[str] = Field(default=["text"], json_schema_extra={"items": {"const": "text"}})
    tool_choice: ToolChoice = "auto"
    function_call: ToolChoice = "auto"
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
        chat = ChatBody.model_validate(without_nulls(body, "septet", "stream_options"))
    except ValidationError as error:
        raise of_validation(error) from None
    _refuse_unsupported(chat)
    return chat


def to_request(chat: ChatBody, alias: str, tenant: str, request_id: str) -> Request:
    """The request of a body. The same body under the same id gives the same bytes.

    Raises:
        ApiError: status 400; ``param`` names the field.
    """
    messages = messages_of(chat.messages, "messages")
    schema = output_schema(chat.response_format, "response_format", nested="json_schema")
    return request_of(
        chat.septet,
        messages,
        schema,
        model=alias,
        tenant=tenant,
        request_id=request_id,
        stream=chat.stream,
    )


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
