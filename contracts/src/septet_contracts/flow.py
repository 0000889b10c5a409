"""A request on its way: each event is the one before it plus what its stage found out."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from septet_contracts.embedding import DecimalEmbedding, Embedding
from septet_contracts.envelope import EventV1
from septet_contracts.open_enum import Status
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
    """What every stage between request and response hands on."""

    deadline: AwareDatetime
    accepted_at: AwareDatetime = Field(description="Timestamp of the request's record.")
    request_digest: str = Field(description="SHA-256 of the request's body as published.")
    ask: Ask
    language: str | None = Field(default=None, description="ISO 639-1 code of the question.")
    policy_version: str = ""
    verdicts: tuple[Verdict, ...] = ()
    timings: tuple[StageTiming, ...] = ()
    degraded: tuple[str, ...] = Field(default=(), description="Parts that were down while this was made.")


class Screened(Flow):
    """The question passed the input rails."""

    STEP: ClassVar[str] = "screened"
    contract: Literal["septet.screened"] = "septet.screened"


class _WithEmbedding(Flow):
    """The question's embedding, which is computed once.

    Writers set ``question_vector``; readers take :attr:`embedding`. A reader of version 1.2 does not know
    ``question_vector``: it finds no embedding and computes its own.
    """

    question_embedding: DecimalEmbedding | None = Field(
        default=None, description="Read from writers before version 1.3; `question_vector` replaces it."
    )
    question_vector: Embedding | None = None

    @property
    def embedding(self) -> Embedding | None:
        """The question's embedding in whichever form it came."""
        if self.question_vector is not None or self.question_embedding is None:
            return self.question_vector
        return Embedding.of(self.question_embedding.model, self.question_embedding.vector)


class Missed(_WithEmbedding):
    """The cache holds no safe answer."""

    STEP: ClassVar[str] = "missed"
    contract: Literal["septet.missed"] = "septet.missed"
    cache: CacheInfo


class _WithPassages(_WithEmbedding):
    cache: CacheInfo
    passages: tuple[Passage, ...] = ()
    retrieval: RetrievalInfo
    answerability: Answerability | None = None


class Grounded(_WithPassages):
    """Passages are found, and are judged able to answer."""

    STEP: ClassVar[str] = "grounded"
    contract: Literal["septet.grounded"] = "septet.grounded"


class Draft(_WithPassages):
    """A model's answer, not yet guarded."""

    STEP: ClassVar[str] = "draft"
    contract: Literal["septet.draft"] = "septet.draft"
    answer: str
    model: str
    prompt_version: str
    usage: Usage = Usage()
    attempt: int = Field(default=1, ge=1)
    finish_reason: str = "stop"


class Revision(_WithPassages):
    """An output rail asks for one mended draft."""

    STEP: ClassVar[str] = "revision"
    contract: Literal["septet.revision"] = "septet.revision"
    rejected: str = Field(description="The draft that did not pass.")
    complaints: tuple[str, ...] = Field(min_length=1, description="What to mend, one sentence each.")
    usage: Usage = Usage()
    attempt: int = Field(ge=2)


class Outcome(_WithEmbedding):
    """How a request ends, before it is scored and released. The first outcome of a request wins."""

    STEP: ClassVar[str] = "outcome"
    contract: Literal["septet.outcome"] = "septet.outcome"
    status: Status
    origin: str = Field(description="Service that decided.")
    answer: str | None = None
    answer_kind: Literal["generated", "extractive", "cached", "none"] = "none"
    passages: tuple[Passage, ...] = ()
    cache: CacheInfo | None = None
    retrieval: RetrievalInfo | None = None
    answerability: Answerability | None = None
    model: str | None = None
    prompt_version: str | None = None
    usage: Usage = Usage()
    error: ErrorInfo | None = None
