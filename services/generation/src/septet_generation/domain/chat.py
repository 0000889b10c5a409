"""Request, stream and result of a model call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from septet_generation.domain.catalogue import Model

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class ChatMessage:
    role: Role
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """One call of the chat completions API.

    ``output_schema`` is a JSON Schema for constrained decoding. ``timeout`` (seconds) limits the time without
    data; the caller limits the whole call.
    """

    model: Model
    messages: Sequence[ChatMessage]
    max_tokens: int
    timeout: float
    output_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Delta:
    """Part of a streamed completion. The last part has the token counts, if the API reports them."""

    text: str = ""
    finish_reason: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass
class Completion:
    """The whole completion of one call."""

    text: str = ""
    finish_reason: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, delta: Delta) -> None:
        """Append the text and keep the latest known value of every other field."""
        self.text += delta.text
        self.finish_reason = delta.finish_reason or self.finish_reason
        self.response_model = delta.response_model or self.response_model
        self.response_id = delta.response_id or self.response_id
        if delta.prompt_tokens is not None:
            self.prompt_tokens = delta.prompt_tokens
        if delta.completion_tokens is not None:
            self.completion_tokens = delta.completion_tokens
