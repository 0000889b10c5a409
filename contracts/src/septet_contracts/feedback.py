"""Explicit and implicit feedback on an answer, and the labels made from it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from septet_contracts.envelope import EventV1, Identified


class _Feedback(Identified):
    """``request_id`` names the answer; ``feedback_id`` identifies a resent event."""

    CONTRACT: ClassVar[str] = "septet.feedback"
    contract: Literal["septet.feedback"] = "septet.feedback"
    version: Literal[1] = 1
    feedback_id: str = Field(min_length=1, max_length=128)
    occurred_at: AwareDatetime | None = None
    user: str | None = Field(default=None, max_length=128, description="Pseudonym of the user.")


class Thumbs(_Feedback):
    kind: Literal["thumbs"]
    value: Literal["up", "down"]
    comment: str | None = Field(default=None, max_length=4096)


class Rating(_Feedback):
    kind: Literal["rating"]
    stars: int = Field(ge=1, le=5)


class Comment(_Feedback):
    kind: Literal["comment"]
    text: str = Field(min_length=1, max_length=4096)


class Correction(_Feedback):
    kind: Literal["correction"]
    answer: str = Field(min_length=1, max_length=32_768)


class FlaggedSource(_Feedback):
    kind: Literal["flagged_source"]
    document_id: str = Field(min_length=1, max_length=512)
    reason: str | None = Field(default=None, max_length=4096)


class Copied(_Feedback):
    kind: Literal["copied"]


class Regenerated(_Feedback):
    kind: Literal["regenerated"]


class Dismissed(_Feedback):
    kind: Literal["dismissed"]


class Dwell(_Feedback):
    kind: Literal["dwell"]
    seconds: float = Field(ge=0, le=86_400)


FeedbackEvent = Annotated[
    Thumbs | Rating | Comment | Correction | FlaggedSource | Copied | Regenerated | Dismissed | Dwell,
    Field(discriminator="kind"),
]


class Label(EventV1):
    """Feedback joined to a released answer, for the cache, evaluation and tuning."""

    STEP: ClassVar[str] = "label"
    contract: Literal["septet.label"] = "septet.label"
    feedback_id: str
    kind: str
    explicit: bool
    polarity: Literal["positive", "negative", "neutral"]
    weight: float = Field(ge=0, le=1, description="Reliability of this kind of feedback, 0 to 1.")

    question: str | None = None
    answer: str | None = None
    corrected_answer: str | None = None
    comment: str | None = None
    document_ids: tuple[str, ...] = ()
    flagged_document_id: str | None = None
    cache_entry_id: str | None = None
    response_event_id: str
    trace_id: str | None = None
