"""What a client asks for. Only ``request_id`` and ``question`` (or ``messages``) are required."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from septet_contracts.envelope import Contract, Identified

# One error is reported; a body with 300,000 wrong messages would otherwise take 1.5 s to refuse.
_FIRST_ERROR = Field(fail_fast=True)


DEFAULT_DEADLINE = timedelta(seconds=60)
"""When a response is due if the request does not say so, from its record's timestamp on."""

Text = Annotated[str, Field(max_length=32_768)]


class Message(Contract):
    role: Literal["system", "user", "assistant"]
    content: Text


class RetrievalWish(Contract):
    mode: Literal["hybrid", "lexical", "dense", "off"] = "hybrid"
    k: int = Field(default=5, ge=1, le=50, description="How many passages to retrieve.")
    fusion: Literal["rrf", "convex"] = Field(
        default="convex", description="How both sides are joined: by scores (convex) or by ranks (rrf)."
    )


class CacheWish(Contract):
    use: Literal["default", "bypass", "refresh"] = Field(
        default="default", description="bypass: neither read nor write; refresh: do not read, but write."
    )
    key: str | None = Field(
        default=None, max_length=256, description="Constrained key (item id, pair, slots) to match exactly."
    )


class Ask(Contract):
    """The wish itself, free of who asks; it travels unchanged (save for masking) through every stage."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["question"]}, {"required": ["messages"]}]}
    )

    question: Text | None = None
    messages: Annotated[tuple[Message, ...], _FIRST_ERROR] | None = Field(
        default=None, max_length=200, description="A conversation; its last user message is the question."
    )
    retrieval: RetrievalWish = RetrievalWish()
    cache: CacheWish = CacheWish()
    policy: str = Field(default="default", max_length=64)
    model: str = Field(default="default", max_length=128, description="Model alias.")
    output_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema that the answer must satisfy."
    )
    reference: str | Annotated[tuple[str, ...], _FIRST_ERROR] | None = Field(
        default=None, description="Known right answer(s); adds reference-based scores."
    )
    generate: bool = Field(default=True, description="False: retrieve and rank only, call no model.")
    stream: bool = Field(default=False, description="Also send partial text to septet.tokens.v1.")

    @model_validator(mode="after")
    def _has_question(self) -> Self:
        if self.question is None and not any(m.role == "user" for m in self.messages or ()):
            raise ValueError("give `question`, or `messages` with at least one user message")
        return self

    @property
    def query(self) -> str:
        """The question to be answered: ``question``, or the last user message."""
        if self.question is not None:
            return self.question
        return next(m.content for m in reversed(self.messages or ()) if m.role == "user")

    @property
    def history(self) -> tuple[Message, ...]:
        """The messages before the question."""
        messages = self.messages or ()
        if self.question is not None:
            return messages
        last = max(i for i, m in enumerate(messages) if m.role == "user")
        return messages[:last]


class Request(Ask, Identified):
    """A question, as a client publishes it to ``septet.requests.v1``."""

    CONTRACT: ClassVar[str] = "septet.request"

    contract: Literal["septet.request"] = "septet.request"
    version: Literal[1] = 1
    occurred_at: AwareDatetime | None = None
    deadline: AwareDatetime | None = Field(
        default=None, description="Absolute time; 60 s after the record's timestamp when absent.",
        json_schema_extra={"x-default": f"{DEFAULT_DEADLINE.total_seconds():g} s after the record's timestamp"},
    )  # fmt: skip
