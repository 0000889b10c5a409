"""What clients and operators read."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, Field

from septet_contracts.envelope import Contract, Envelope
from septet_contracts.parts import (
    Answerability,
    CacheInfo,
    Embedding,
    ErrorInfo,
    Score,
    Source,
    StageTiming,
    Status,
    Usage,
    Verdict,
)


class Response(Envelope):
    """The one response to a request."""

    STEP: ClassVar[str] = "response"
    contract: Literal["septet.response"] = "septet.response"
    status: Status
    question: str | None = Field(default=None, description="The question as answered, PII masked.")
    answer: str | None = None
    answer_json: Any = Field(default=None, description="The parsed answer when `output_schema` was given.")
    answer_kind: Literal["generated", "extractive", "cached", "none"] = "none"
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
    cache_key: str | None = None
    admissible: bool = Field(default=False, description="Whether the cache may keep this answer.")
    admission_reason: str = ""
    question_embedding: Embedding | None = None
    request_digest: str = ""
    trace_id: str | None = Field(default=None, description="W3C trace id, 32 hexadecimal digits.")
    error: ErrorInfo | None = None


class TokenChunk(Envelope):
    """Partial text. A higher ``epoch`` (a new draft) replaces all text of lower ones."""

    STEP: ClassVar[str] = "tokens"
    contract: Literal["septet.tokens"] = "septet.tokens"
    epoch: int = Field(ge=1)
    sequence: int = Field(ge=0, description="0-based, without gaps within an epoch.")
    text: str
    done: bool = False


class Evaluation(Envelope):
    """Scores that were made off the hot path."""

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
