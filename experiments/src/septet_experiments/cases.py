"""A case of a suite: a question, and what is known about its answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from septet_contracts import Message


class Origin(BaseModel):
    """Where a case comes from.

    Attributes:
        kind: ``file``, ``traffic`` or ``feedback``.
        request_id: the logged request that it was made from.
        feedback_id: the feedback that it was made from.
        trace_id: trace of the logged request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["file", "traffic", "feedback"] = "file"
    request_id: str | None = None
    feedback_id: str | None = None
    trace_id: str | None = None


class Case(BaseModel):
    """One line of a cases file.

    Attributes:
        id: unique within the suite. Runs are paired by it.
        question: the question; ``messages`` may hold a conversation whose last user message is the question.
        references: known correct answers.
        choices: options of a multiple-choice question, in the order that the prompt shows; at most 26, one a letter.
        answer_index: 0-based index of the correct choice.
        expected: ``answer``: the documents hold the answer; ``abstain``: they do not; ``refuse``: the request is one
            that the guardrails must block.
        relevant: relevance grade by document id (1 or more), for ranking metrics.
        conversation: cases of one conversation are not independent: gates treat them as one cluster.
        document: the same for cases about one document.
        slices: values to report by, such as ``{"language": "ko"}``.
        request: further fields of the request (`retrieval`, `policy`, `output_schema` …).
        origin: where the case comes from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=96)
    question: str | None = None
    messages: tuple[Message, ...] | None = None
    references: tuple[str, ...] = ()
    choices: tuple[str, ...] = Field(default=(), max_length=26)
    answer_index: int | None = Field(default=None, ge=0)
    expected: Literal["answer", "abstain", "refuse"] | None = None
    relevant: dict[str, int] = {}
    conversation: str | None = None
    document: str | None = None
    slices: dict[str, str] = {}
    request: dict[str, Any] = {}
    origin: Origin = Origin()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.question is None and not self.messages:
            raise ValueError("give `question` or `messages`")
        if self.answer_index is not None and self.answer_index >= len(self.choices):
            raise ValueError(f"`answer_index` {self.answer_index} has no entry in `choices`")
        return self

    @property
    def cluster(self) -> str:
        """Cases with the same cluster are not independent of each other."""
        if self.conversation is not None:
            return f"conversation:{self.conversation}"
        return f"document:{self.document}" if self.document is not None else f"case:{self.id}"


def digest_of(cases: Iterable[Case]) -> str:
    """SHA-256 of cases, independent of their order: 64 hexadecimal digits."""
    lines = sorted(
        json.dumps(case.model_dump(mode="json"), ensure_ascii=False, sort_keys=True) for case in cases
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
