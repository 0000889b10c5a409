"""The response, its release event, and other events for clients and operators."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from septet_contracts.embedding import Embedding
from septet_contracts.envelope import Contract, EventV1, EventV2, event_id
from septet_contracts.open_enum import AnswerKind, Status
from septet_contracts.parts import (
    Answerability,
    CacheInfo,
    ErrorInfo,
    Score,
    Source,
    StageTiming,
    Usage,
    Verdict,
)


class Response(EventV2):
    """The one response to a request: what a client needs, and nothing that only services use."""

    STEP: ClassVar[str] = "response"
    contract: Literal["septet.response"] = "septet.response"
    status: Status
    question: str | None = Field(default=None, description="The question as answered, PII masked.")
    answer: str | None = None
    answer_json: Any = Field(default=None, description="The parsed answer when `output_schema` was given.")
    answer_kind: AnswerKind = "none"
    sources: tuple[Source, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    scores: tuple[Score, ...] = ()
    cache: CacheInfo | None = None
    answerability: Answerability | None = None
    usage: Usage = Usage()
    timings: tuple[StageTiming, ...] = ()
    total_ms: float | None = Field(default=None, description="From the request's record to the release.")
    degraded: tuple[str, ...] = ()
    language: str | None = None
    policy: str | None = None
    policy_version: str = ""
    model: str | None = None
    prompt_version: str | None = None
    trace_id: str | None = Field(default=None, description="W3C trace id, 32 hexadecimal digits.")
    error: ErrorInfo | None = None


class Release(EventV1):
    """Facts about a released response that services use: the cache for admission, feedback for its join.

    It is written with the response in one transaction. A `conflict` response has no release event.
    """

    STEP: ClassVar[str] = "release"
    contract: Literal["septet.release"] = "septet.release"
    response_event_id: UUID = Field(description="`event_id` of the response of the newest major version.")
    status: Status
    question: str | None = Field(default=None, description="The question as answered, PII masked.")
    answer: str | None = None
    answer_kind: AnswerKind = "none"
    sources: tuple[Source, ...] = Field(
        default=(), description="The response's sources, without their text if `admissible` is false."
    )
    verdicts: tuple[Verdict, ...] = ()
    scores: tuple[Score, ...] = ()
    cache: CacheInfo | None = None
    answerability: Answerability | None = None
    degraded: tuple[str, ...] = ()
    language: str | None = None
    policy_version: str = ""
    model: str | None = None
    prompt_version: str | None = None
    cache_key: str | None = Field(default=None, description="The request's own cache key.")
    admissible: bool = Field(default=False, description="Whether the cache may keep this answer.")
    admission_reason: str = Field(default="", description="Why, or why not, in one sentence.")
    question_vector: Embedding | None = Field(
        default=None, description="Embedding of the question, only if `admissible` is true."
    )
    request_digest: str = Field(default="", description="SHA-256 of the request's body as published.")
    trace_id: str | None = Field(default=None, description="W3C trace id, 32 hexadecimal digits.")

    @property
    def cause(self) -> UUID:
        """Key of the release in an inbox: the event id of the response in version 1.

        Version 1 of the response carried these facts before release events existed, so both share the key.
        """
        return event_id(self.tenant, self.request_id, Response.STEP)


class TokenChunk(EventV1):
    """Partial text. A higher ``epoch`` (a new draft) replaces all text of lower ones."""

    STEP: ClassVar[str] = "tokens"
    contract: Literal["septet.tokens"] = "septet.tokens"
    epoch: int = Field(ge=1)
    sequence: int = Field(ge=0, description="0-based, without gaps within an epoch.")
    text: str
    done: bool = False


class Evaluation(EventV1):
    """Scores computed off the hot path."""

    STEP: ClassVar[str] = "evaluation"
    contract: Literal["septet.evaluation"] = "septet.evaluation"
    evaluator: str
    scores: tuple[Score, ...]


class ModelAlias(Contract):
    """Which model serves an alias. Keyed by ``alias``; the topic is compacted."""

    CONTRACT: ClassVar[str] = "septet.model-alias"
    contract: Literal["septet.model-alias"] = "septet.model-alias"
    version: Literal[1] = 1
    alias: str = Field(min_length=1, max_length=128)
    model: str = Field(min_length=1, max_length=256)
    adapter: str | None = None
    occurred_at: AwareDatetime
