"""Events between request and response. Each carries the fields of the one before it and its stage's results."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from septet_contracts.embedding import DecimalEmbedding, Embedding
from septet_contracts.envelope import EventV1
from septet_contracts.open_enum import OutcomeStatus
from septet_contracts.parts import (
    Answerability,
    CacheInfo,
    ErrorInfo,
    Passage,
    RetrievalInfo,
    StageTiming,
    Usage,
    Verdict,
)
from septet_contracts.request import Ask


class Flow(EventV1):
    """Fields of every event between request and response."""

    deadline: AwareDatetime
    accepted_at: AwareDatetime = Field(description="Timestamp of the request's record.")
    request_digest: str = Field(description="SHA-256 of the request's body as published.")
    ask: Ask
    language: str | None = Field(default=None, description="ISO 639-1 code of the question.")
    policy_version: str = ""
    verdicts: tuple[Verdict, ...] = ()
    timings: tuple[StageTiming, ...] = ()
    degraded: tuple[str, ...] = Field(default=(), description="Components that were not available.")

    @property
    def contained(self) -> bool:
        """Whether an input rail contains the question: its text is quoted data that gives no instructions."""
        return any(v.stage == "input" and v.decision == "contain" for v in self.verdicts)


class _WithSeal(Flow):
    sealed: str | None = Field(
        default=None,
        description="The question's masked values, encrypted. Only guardrails can read them; it puts them back into "
        "the answer. Absent unless the policy restores personal data.",
    )


class Screened(_WithSeal):
    """The question passed the input rails."""

    STEP: ClassVar[str] = "screened"
    contract: Literal["septet.screened"] = "septet.screened"


class _WithEmbedding(Flow):
    """The question's embedding, which is computed once.

    Writers set ``question_vector``; readers use :attr:`embedding`. A reader of version 1.2 ignores
    ``question_vector`` and computes its own embedding.
    """

    question_embedding: DecimalEmbedding | None = Field(
        default=None, description="Read from writers before version 1.3; `question_vector` replaces it."
    )
    question_vector: Embedding | None = None

    @property
    def embedding(self) -> Embedding | None:
        """The question's embedding, from either field."""
        if self.question_vector is not None or self.question_embedding is None:
            return self.question_vector
        return Embedding.of(self.question_embedding.model, self.question_embedding.vector)


class Missed(_WithEmbedding, _WithSeal):
    """The cache holds no safe answer."""

    STEP: ClassVar[str] = "missed"
    contract: Literal["septet.missed"] = "septet.missed"
    cache: CacheInfo


class _WithPassages(_WithEmbedding, _WithSeal):
    cache: CacheInfo
    passages: tuple[Passage, ...] = ()
    retrieval: RetrievalInfo
    answerability: Answerability | None = None


class Grounded(_WithPassages):
    """Retrieval found passages that can answer the question."""

    STEP: ClassVar[str] = "grounded"
    contract: Literal["septet.grounded"] = "septet.grounded"


class Draft(_WithPassages):
    """A model's answer, before the output rails."""

    STEP: ClassVar[str] = "draft"
    contract: Literal["septet.draft"] = "septet.draft"
    answer: str
    model: str
    prompt_version: str
    usage: Usage = Usage()
    attempt: int = Field(default=1, ge=1)
    finish_reason: str = "stop"
    epoch: int | None = Field(
        default=None,
        ge=1,
        description="Epoch of the draft's text on septet.tokens.v1; absent if it has none there.",
    )
    chunks: int = Field(default=0, ge=0, description="Number of records with that text.")


class Revision(_WithPassages):
    """An output rail requests a corrected draft."""

    STEP: ClassVar[str] = "revision"
    contract: Literal["septet.revision"] = "septet.revision"
    rejected: str = Field(description="The draft that was rejected.")
    complaints: tuple[str, ...] = Field(min_length=1, description="Corrections to make, one sentence each.")
    usage: Usage = Usage()
    attempt: int = Field(ge=2)


class Outcome(_WithEmbedding):
    """What the stages decided about a request, before scoring and release. The first outcome wins."""

    STEP: ClassVar[str] = "outcome"
    contract: Literal["septet.outcome"] = "septet.outcome"
    status: OutcomeStatus
    origin: str = Field(description="Service that made the decision.")

    answer: str | None = None
    sealed_answer: str | None = Field(
        default=None,
        description="The answer with the user's own values, encrypted. Eval decrypts it when it sends the response; "
        "`answer` keeps the placeholders.",
    )
    answer_kind: Literal["generated", "extractive", "cached", "none"] = "none"
    passages: tuple[Passage, ...] = ()
    cache: CacheInfo | None = None
    retrieval: RetrievalInfo | None = None
    answerability: Answerability | None = None
    model: str | None = None
    prompt_version: str | None = None
    usage: Usage = Usage()
    error: ErrorInfo | None = None
