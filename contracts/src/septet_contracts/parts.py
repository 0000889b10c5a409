"""Value objects of events."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from septet_contracts.envelope import Contract
from septet_contracts.open_enum import CacheStatus, Decision, SpanKind


class Passage(Contract):
    """A retrieved piece of a document.

    ``start`` and ``end`` are character offsets into the document's text; ranks are 1-based and absent
    when that side did not return the passage.
    """

    passage_id: str
    document_id: str
    content_hash: str = Field(description="Hash of the whole document when this passage was indexed.")
    title: str = ""
    location: str = Field(default="", description="Where in the document: heading path or qualified name.")
    uri: str = ""
    text: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    score: float
    lexical_rank: int | None = None
    dense_rank: int | None = None
    similarity: float | None = Field(default=None, description="Cosine of question and passage, if known.")


class CitedSpan(Contract):
    """A part of a source's passage that the answer cites; offsets count Unicode code points."""

    start: int = Field(ge=0, description="Offset of the first character in the source's `passage`.")
    end: int = Field(ge=0, description="Offset behind the last character in the source's `passage`.")
    kind: SpanKind = Field(
        description="`quoted`: the answer holds these characters verbatim, white space aside. `supporting`: the "
        "sentence of the passage that shares most content words, at least half, with a sentence of the answer that "
        "cites it.",
    )


class Source(Contract):
    """A passage as shown to the client; ``number`` is what ``[n]`` in the answer points at."""

    number: int = Field(ge=1, description="What `[n]` in the answer points at.")
    passage_id: str
    document_id: str
    content_hash: str = ""
    title: str = ""
    location: str = ""
    uri: str = ""
    passage: str = Field(description="The passage's text.")
    start: int | None = Field(
        default=None,
        ge=0,
        description="Offset of `passage` in the document's text (for HTML: in its visible text), "
        "in Unicode code points; absent where it is not known.",
    )
    end: int | None = Field(default=None, ge=0, description="Offset behind the last character of `passage`.")
    cited: bool = Field(default=False, description="Whether the answer holds `[number]`.")
    spans: tuple[CitedSpan, ...] = Field(
        default=(),
        description="What the answer cites of `passage`, in order of `start`. `start` + a span's offset is "
        "its place in the document. Empty if the source is not cited, or no sentence of it carries the citation.",
    )
    score: float | None = None


class Quote(Contract):
    """A sentence taken verbatim from a passage; offsets are into the passage's text."""

    passage_id: str
    number: int = Field(ge=1, description="1-based number of the passage in the prompt.")
    text: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    similarity: float


class Answerability(Contract):
    """Whether the retrieved passages can answer the question, decided outside the language model."""

    score: float = Field(description="Calibrated probability that the passages hold the answer, 0 to 1.")
    threshold: float
    answerable: bool
    best: Quote | None = None
    reason: str = ""


class RetrievalInfo(Contract):
    mode: Literal["hybrid", "lexical", "dense", "off"]
    fusion: Literal["rrf", "convex"] = "rrf"
    lexical_hits: int = 0
    dense_hits: int = 0
    lexical_ms: float | None = None
    dense_ms: float | None = None


class Verdict(Contract):
    """One guardrail's decision about one text."""

    rail: str
    stage: Literal["input", "output"]
    decision: Decision
    score: float | None = None
    reason: str = ""
    latency_ms: float = 0.0


class Score(Contract):
    """One scorer's value for one outcome, 0 to 1 unless the scorer's documentation says otherwise."""

    name: str
    value: float
    label: str | None = None
    explanation: str | None = None
    scorer: str = Field(default="", description="Name and version of the scorer.")


class CacheCheck(Contract):
    """One check that a semantic candidate had to pass before it could be served."""

    name: str
    passed: bool
    detail: str = ""


class CacheInfo(Contract):
    """Whether the answer came from the cache, and why that was safe (or why it was not)."""

    status: CacheStatus
    reason: str = ""
    entry_id: str | None = None
    matched_question: str | None = None
    similarity: float | None = None
    checks: tuple[CacheCheck, ...] = ()
    age_s: float | None = None


class Usage(Contract):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            model_calls=self.model_calls + other.model_calls,
            cost_usd=self.cost_usd + other.cost_usd,
        )


class StageTiming(Contract):
    """Milliseconds a request waited for a stage and was worked on by it."""

    stage: str
    queue_ms: float
    work_ms: float


class ErrorInfo(Contract):
    """A typed failure: ``code`` for programs, ``message`` and ``fix`` for people."""

    code: str
    message: str
    field: str | None = None
    fix: str | None = None
    stage: str = ""
