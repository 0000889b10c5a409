"""The request of a client. Only ``request_id`` and ``question`` (or ``messages``) are required."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from septet_contracts.envelope import Contract, Identified

# Report the first error only: a body with 300,000 invalid messages would otherwise take 1.5 s to reject.
_FIRST_ERROR = Field(fail_fast=True)


DEFAULT_DEADLINE = timedelta(seconds=60)
"""Deadline of a request that names none, counted from its record's timestamp."""

Text = Annotated[str, Field(max_length=32_768)]


class Message(Contract):
    role: Literal["system", "user", "assistant"]
    content: Text


class RetrievalOptions(Contract):
    """How passages are retrieved."""

    mode: Literal["hybrid", "lexical", "dense", "off"] = "hybrid"
    k: int = Field(default=5, ge=1, le=50, description="How many passages to retrieve.")
    fusion: Literal["rrf", "convex"] = Field(
        default="convex",
        description="How lexical and dense hits are merged: by score (convex) or rank (rrf).",
    )


class CacheOptions(Contract):
    """How the cache is used."""

    use: Literal["default", "bypass", "refresh"] = Field(
        default="default", description="bypass: neither read nor write; refresh: do not read, but write."
    )
    key: str | None = Field(
        default=None, max_length=256, description="Constrained key (item id, pair, slots) to match exactly."
    )


class CheckedPassage(Contract):
    """A passage that a checked answer must rest on."""

    text: Text
    title: str = Field(default="", max_length=1_024)


class Check(Contract):
    """Check given texts by the rails alone: no search, no model call, no correction by a model."""

    answer: Text | None = Field(
        default=None, description="Text for the output rails; without one, only the question is checked."
    )
    passages: Annotated[tuple[CheckedPassage, ...], _FIRST_ERROR] = Field(
        default=(), max_length=50, description="What the answer must rest on; `[n]` cites the n-th."
    )


class EvaluationSample(Contract):
    """One draw of one case of an evaluation run."""

    run: str = Field(
        min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:\-]+$", description="Id of the run."
    )
    case: str = Field(min_length=1, max_length=96, description="Id of the case in its suite.")
    draw: int = Field(default=0, ge=0, description="0-based number of the draw.")


class Ask(Contract):
    """The question and its options. Every stage passes them on unchanged, except for masked text."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["question"]}, {"required": ["messages"]}]}
    )

    question: Text | None = None
    messages: Annotated[tuple[Message, ...], _FIRST_ERROR] | None = Field(
        default=None, max_length=200, description="A conversation; its last user message is the question."
    )
    retrieval: RetrievalOptions = RetrievalOptions()
    cache: CacheOptions = CacheOptions()
    policy: str = Field(default="default", max_length=64)
    model: str = Field(default="default", max_length=128, description="Model alias.")
    output_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema that the answer must satisfy."
    )
    reference: str | Annotated[tuple[str, ...], _FIRST_ERROR] | None = Field(
        default=None, description="Known correct answer, or several; adds reference-based scores."
    )
    generate: bool = Field(default=True, description="False: retrieve and rank only, call no model.")
    stream: bool = Field(
        default=False,
        description="Also send checked sentences of the answer to septet.released-tokens.v1 before the response.",
    )
    evaluation: EvaluationSample | None = Field(
        default=None,
        description="Set by evaluation runs alone. The request bypasses the cache, its answer is not stored, feedback on "
        "it gets no label, and metrics count it apart from live traffic.",
    )

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
    check: Check | None = Field(
        default=None, description="Return the verdicts of the rails on these texts instead of an answer."
    )
    deadline: AwareDatetime | None = Field(
        default=None,
        description="Absolute time; 60 s after the record's timestamp when absent.",
        json_schema_extra={
            "x-default": f"{DEFAULT_DEADLINE.total_seconds():g} s after the record's timestamp"
        },
    )
