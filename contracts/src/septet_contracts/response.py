"""The response, its release event, and other events for clients and operators."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from septet_contracts.embedding import Embedding
from septet_contracts.envelope import Contract, EventV1, EventV2, event_id
from septet_contracts.flow import Draft
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
from septet_contracts.request import EvaluationSample


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
    evaluation: EvaluationSample | None = Field(
        default=None, description="The request's own; absent for live traffic."
    )


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
    evaluation: EvaluationSample | None = Field(
        default=None, description="The request's own; absent for live traffic."
    )

    @property
    def cause(self) -> UUID:
        """Key of the release in an inbox: the event id of the response in version 1.

        Version 1 of the response carried these facts before release events existed, so both share the key.
        """
        return event_id(self.tenant, self.request_id, Response.STEP)


class TokenChunk(EventV1):
    """Text of a model before the output rails, which only guardrails reads. A higher ``epoch`` is a new draft.

    It carries what the rails read, so guardrails needs no state of the chunks before it.
    """

    STEP: ClassVar[str] = "tokens"
    contract: Literal["septet.tokens"] = "septet.tokens"
    epoch: int = Field(ge=1)
    sequence: int = Field(ge=0, description="0-based, without gaps within an epoch.")
    text: str
    done: bool = False
    draft: Draft | None = Field(
        default=None,
        description="The draft so far, up to the end of a sentence, as the output rails read it. Absent in chunks of "
        "writers before version 1.2, which are not released.",
    )
    cuts: tuple[int, ...] = Field(
        default=(), description="Lengths of the draft's answer in the earlier chunks of this epoch."
    )


class ReleasedTokens(EventV1):
    """Text of an answer that passed the output rails, before its response.

    A reader joins the texts of the highest ``epoch`` by ``start``. Records may repeat text that it has, and may be
    missing. The response completes the answer; it replaces the text if its answer does not begin with it.
    """

    STEP: ClassVar[str] = "released-tokens"
    contract: Literal["septet.released-tokens"] = "septet.released-tokens"
    request_digest: str = Field(description="SHA-256 of the request's body as published.")
    epoch: int = Field(
        ge=1, description="A higher epoch is a new draft, which replaces all text of lower ones."
    )
    sequence: int = Field(ge=0, description="Order within an epoch. Numbers may be missing.")
    start: int = Field(ge=0, description="Offset of `text` in the answer, in Unicode code points.")
    text: str
    sentence: int = Field(ge=0, description="Number of the last sentence of `text` in the answer, from 1.")
    verdicts: tuple[Verdict, ...] = Field(
        default=(), description="Of the output rails on the answer up to the end of `text`; without times."
    )
    done: bool = Field(default=False, description="Whether `text` is the end of the answer.")


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
