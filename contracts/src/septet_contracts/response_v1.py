"""Major version 1 of the public response. Eval's caster makes it from the current version.

Its schema is frozen as ``responses/v1.1.json`` and does not change. Its enumerations are closed.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from septet_contracts.embedding import DecimalEmbedding
from septet_contracts.envelope import Contract, EventV1
from septet_contracts.parts import Answerability, CacheCheck, ErrorInfo, Score, StageTiming, Usage

Status = Literal["answered", "abstained", "refused", "blocked", "failed", "expired"]

Decision = Literal["pass", "flag", "mask", "fix", "reask", "block"]
CacheStatus = Literal["hit_exact", "hit_key", "hit_semantic", "miss", "bypass", "refresh", "disabled"]
AnswerKind = Literal["generated", "extractive", "cached", "none"]


class Embedding(DecimalEmbedding):
    """A vector with the name of the model that made it, so that nobody compares across models."""


class Source(Contract):
    """A passage as shown to the client; ``number`` is what ``[n]`` in the answer points at."""

    number: int = Field(ge=1)
    passage_id: str
    document_id: str
    content_hash: str = ""
    title: str = ""
    location: str = ""
    uri: str = ""
    passage: str
    cited: bool = False
    score: float | None = None


class Verdict(Contract):
    """One guardrail's decision about one text."""

    rail: str
    stage: Literal["input", "output"]
    decision: Decision
    score: float | None = None
    reason: str = ""
    latency_ms: float = 0.0


class CacheInfo(Contract):
    """Whether the answer came from the cache, and why that was safe (or why it was not)."""

    status: CacheStatus
    reason: str = ""
    entry_id: str | None = None
    matched_question: str | None = None
    similarity: float | None = None
    checks: tuple[CacheCheck, ...] = ()
    age_s: float | None = None


class Response(EventV1):
    """The one response to a request."""

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
    cache_key: str | None = None
    admissible: bool = Field(default=False, description="Whether the cache may keep this answer.")
    admission_reason: str = ""
    question_embedding: Embedding | None = None
    request_digest: str = ""
    trace_id: str | None = Field(default=None, description="W3C trace id, 32 hexadecimal digits.")
    error: ErrorInfo | None = None
