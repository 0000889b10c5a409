"""The table of topics. Brokers create topics from it; auto-creation is off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from septet_contracts import response_v1
from septet_contracts.documents import DeleteDocument, DocumentChanged, UpsertDocument
from septet_contracts.feedback import FeedbackEvent, Label
from septet_contracts.flow import Draft, Grounded, Missed, Outcome, Revision, Screened
from septet_contracts.request import Request
from septet_contracts.response import Evaluation, ModelAlias, Release, Response, TokenChunk

SERVICES = ("guardrails", "cache", "retrieval", "generation", "eval", "feedback")

DocumentEvent = Annotated[UpsertDocument | DeleteDocument, Field(discriminator="action")]

_WEEK = timedelta(days=7)
_NAME = re.compile(r"septet\.(?P<short>.+?)\.v(?P<major>\d+)(?:\.[a-z0-9\-]+)?")


@dataclass(frozen=True)
class Topic:
    """One Kafka topic: what travels on it and how long it is kept.

    Its name ends in the major version of its contract, or in that and the tenant that has it for itself.
    """

    name: str
    contract: str
    model: Any
    about: str
    key: str = "tenant:conversation_id, or tenant:request_id when there is no conversation"
    partitions: int = 4
    retention: timedelta = _WEEK
    compacted: bool = False
    raw: bool = field(default=False, kw_only=True)

    @cached_property
    def _parts(self) -> tuple[str, int]:
        found = _NAME.fullmatch(self.name)
        if found is None:
            raise ValueError(f"{self.name!r} is not septet.<name>.v<major version>")
        return found["short"], int(found["major"])

    @property
    def short(self) -> str:
        """``septet.requests.v1`` is ``requests``; ``septet.cache.dead.v1`` is ``cache.dead``."""
        return self._parts[0]

    @property
    def major(self) -> int:
        """Major version of the contract: 1 for ``septet.requests.v1``."""
        return self._parts[1]

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.model)

    @property
    def from_clients(self) -> bool:
        """Whether clients publish to it; everything else is made by services."""
        return self.contract in {"septet.request", "septet.document", "septet.feedback"}

    @property
    def config(self) -> dict[str, str]:
        """Topic-level Kafka configuration."""
        cleanup = "compact" if self.compacted else "delete"
        kept = "-1" if self.compacted else str(int(self.retention.total_seconds() * 1000))
        return {
            "cleanup.policy": cleanup, "retention.ms": kept, "max.message.bytes": str(2 * 1024 * 1024),
            # Deadlines and look-ups by time go by the broker's clock, never by a client's.
            "message.timestamp.type": "LogAppendTime",
            # A segment is deleted whole: shorter ones keep records from outliving what services remember.
            "segment.ms": str(24 * 60 * 60 * 1000),
        }  # fmt: skip


def _table(*topics: Topic) -> Mapping[str, Topic]:
    return {t.name: t for t in topics}


def dead_letter_topic(service: str) -> str:
    """Where ``service`` puts records that it cannot process; the version is that of its headers' meaning."""
    return f"septet.{service}.dead.v1"


_DEAD = tuple(
    Topic(
        dead_letter_topic(s), "", None, f"Records that {s} could not process: bytes untouched, reasons in headers.",
        key="as it came", partitions=1, retention=timedelta(days=30), raw=True,
    )
    for s in SERVICES
)  # fmt: skip

TOPICS: Mapping[str, Topic] = _table(
    Topic("septet.requests.v1", "septet.request", Request, "Questions, from clients."),
    Topic("septet.screened.v1", "septet.screened", Screened, "Questions that passed the input rails."),
    Topic("septet.missed.v1", "septet.missed", Missed, "Questions without a safe cached answer."),
    Topic("septet.grounded.v1", "septet.grounded", Grounded, "Questions with their passages."),
    Topic("septet.drafts.v1", "septet.draft", Draft, "Model answers, not yet guarded."),
    Topic("septet.revisions.v1", "septet.revision", Revision, "Drafts that the output rails want mended."),
    Topic("septet.outcomes.v1", "septet.outcome", Outcome, "How requests end, before scoring and release."),
    Topic("septet.responses.v2", "septet.response", Response, "Exactly one response per request."),
    Topic(
        "septet.responses.v1", "septet.response", response_v1.Response,
        "The same responses in the previous major version, while `SEPTET_EVAL_RESPONSE_VERSIONS` holds 1.",
    ),
    Topic(
        "septet.releases.v1", "septet.release", Release,
        "What services need to know of each response. No client reads it.",
    ),
    Topic(
        "septet.tokens.v1", "septet.tokens", TokenChunk, "Partial text of answers that are streamed.",
        retention=timedelta(hours=1),
    ),
    Topic(
        "septet.documents.v1", "septet.document", DocumentEvent, "Documents to search, or to forget.",
        key="tenant:document_id",
    ),
    Topic(
        "septet.documents-changed.v1", "septet.document-changed", DocumentChanged,
        "The indexes hold a document's new state.", key="tenant:document_id",
    ),
    Topic(
        "septet.feedback.v1", "septet.feedback", FeedbackEvent, "Explicit and implicit feedback.",
        key="tenant:request_id",
    ),
    Topic("septet.labels.v1", "septet.label", Label, "Feedback joined to what was shown.", key="tenant:request_id"),
    Topic("septet.evaluations.v1", "septet.evaluation", Evaluation, "Scores made off the hot path."),
    Topic(
        "septet.models.v1", "septet.model-alias", ModelAlias, "Which model serves which alias.",
        key="alias", partitions=1, compacted=True,
    ),
    *_DEAD,
)  # fmt: skip


_NEWEST: Mapping[str, Topic] = {t.short: t for t in sorted(TOPICS.values(), key=lambda t: t.major)}


def is_newest(of: Topic) -> bool:
    """Whether no later major version of the topic exists."""
    return _NEWEST[of.short].major == of.major


def short_name(of: Topic) -> str:
    """The shortest name that :func:`topic` finds: without the major version where it is the newest."""
    return of.short if is_newest(of) else f"{of.short}.v{of.major}"


def topic(name: str) -> Topic:
    """Look a topic up by name.

    Args:
        name: full (``septet.responses.v1``), short with a major version (``responses.v1``), or short
            (``responses``): the newest major version.

    Raises:
        KeyError: no such topic; the message lists the known ones.
    """
    found = TOPICS.get(name) or _NEWEST.get(name) or TOPICS.get(f"septet.{name}")
    if found is None:
        raise KeyError(f"unknown topic {name!r}; known: {', '.join(TOPICS)}")
    return found
