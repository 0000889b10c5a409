"""The table of topics, from which they are created; auto-creation is off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from septet_contracts import response_v1
from septet_contracts.canary import Canary
from septet_contracts.cancellation import Cancellation
from septet_contracts.documents import DeleteDocument, DocumentChanged, UpsertDocument
from septet_contracts.feedback import FeedbackEvent, Label
from septet_contracts.flow import Draft, Grounded, Missed, Outcome, Revision, Screened
from septet_contracts.request import Request
from septet_contracts.response import Evaluation, ModelAlias, Release, ReleasedTokens, Response, TokenChunk

SERVICES = ("guardrails", "cache", "retrieval", "generation", "eval", "feedback", "judge")

HTTP_SERVICES = ("gateway",)
"""Services that serve clients over HTTP. They have no consumer group and no dead letters."""

DocumentEvent = Annotated[UpsertDocument | DeleteDocument, Field(discriminator="action")]

_WEEK = timedelta(days=7)
_FROM_CLIENTS = frozenset({"septet.request", "septet.cancellations", "septet.document", "septet.feedback"})
_NAME = re.compile(r"septet\.(?P<short>.+?)\.v(?P<major>\d+)(?:\.[a-z0-9\-]+)?")


@dataclass(frozen=True)
class Topic:
    """One Kafka topic: its contract, partitions and retention.

    Its name ends in the major version of its contract. A tenant's own topic adds the tenant's name.
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
        """Whether clients publish to the topic. All other topics are written by services."""
        return self.contract in _FROM_CLIENTS

    @property
    def config(self) -> dict[str, str]:
        """Topic-level Kafka configuration."""
        cleanup = "compact" if self.compacted else "delete"
        kept = "-1" if self.compacted else str(int(self.retention.total_seconds() * 1000))
        return {
            "cleanup.policy": cleanup,
            "retention.ms": kept,
            "max.message.bytes": str(2 * 1024 * 1024),
            # Deadlines and look-ups by time use the broker's clock, never a client's.
            "message.timestamp.type": "LogAppendTime",
            # Retention deletes whole segments. Short segments keep records from outliving the services' own state.
            "segment.ms": str(24 * 60 * 60 * 1000),
        }


def _table(*topics: Topic) -> Mapping[str, Topic]:
    return {t.name: t for t in topics}


def dead_letter_topic(service: str) -> str:
    """Topic for records that ``service`` cannot process; its version is that of the headers' meaning."""
    return f"septet.{service}.dead.v1"


def _dead_letters(service: str) -> Topic:
    return Topic(
        dead_letter_topic(service),
        "",
        None,
        f"Records that {service} could not process: bytes unchanged, reasons in headers.",
        key="that of the original record",
        partitions=1,
        retention=timedelta(days=30),
        raw=True,
    )


_BY_DOCUMENT = "tenant:document_id"
_BY_REQUEST = "tenant:request_id"

TOPICS: Mapping[str, Topic] = _table(
    Topic("septet.requests.v1", "septet.request", Request, "Questions from clients."),
    Topic(
        "septet.cancellations.v1",
        "septet.cancellations",
        Cancellation,
        "Requests whose clients no longer wait for a response.",
    ),
    Topic("septet.screened.v1", "septet.screened", Screened, "Questions that passed the input rails."),
    Topic("septet.missed.v1", "septet.missed", Missed, "Questions without a safe cached answer."),
    Topic("septet.grounded.v1", "septet.grounded", Grounded, "Questions with their passages."),
    Topic("septet.drafts.v1", "septet.draft", Draft, "Model answers before the output rails."),
    Topic("septet.revisions.v1", "septet.revision", Revision, "Drafts that the output rails want corrected."),
    Topic("septet.outcomes.v1", "septet.outcome", Outcome, "Results of requests before scoring and release."),
    Topic("septet.responses.v2", "septet.response", Response, "Exactly one response per request."),
    Topic(
        "septet.responses.v1",
        "septet.response",
        response_v1.Response,
        "The same responses in the previous major version, if `SEPTET_EVAL_RESPONSE_VERSIONS` contains 1.",
    ),
    Topic(
        "septet.releases.v1",
        "septet.release",
        Release,
        "Facts about each response that services use. No client reads it.",
    ),
    Topic(
        "septet.tokens.v1",
        "septet.tokens",
        TokenChunk,
        "Text of models before the output rails, for streamed answers. No client reads it.",
        retention=timedelta(hours=1),
    ),
    Topic(
        "septet.released-tokens.v1",
        "septet.released-tokens",
        ReleasedTokens,
        "Checked sentences of streamed answers, before their responses.",
        retention=timedelta(hours=1),
    ),
    Topic(
        "septet.documents.v1", "septet.document", DocumentEvent, "Documents to index or delete.", _BY_DOCUMENT
    ),
    Topic(
        "septet.documents-changed.v1",
        "septet.document-changed",
        DocumentChanged,
        "Changes of documents that the search indexes hold.",
        _BY_DOCUMENT,
    ),
    Topic(
        "septet.feedback.v1", "septet.feedback", FeedbackEvent, "Explicit and implicit feedback.", _BY_REQUEST
    ),
    Topic("septet.labels.v1", "septet.label", Label, "Feedback joined to released answers.", _BY_REQUEST),
    Topic("septet.evaluations.v1", "septet.evaluation", Evaluation, "Scores computed off the hot path."),
    Topic(
        "septet.models.v1",
        "septet.model-alias",
        ModelAlias,
        "The model behind each alias.",
        key="alias",
        partitions=1,
        compacted=True,
    ),
    Topic(
        "septet.canaries.v1",
        "septet.canary",
        Canary,
        "The share of conversations that a candidate answers.",
        key="name",
        partitions=1,
        compacted=True,
    ),
    *map(_dead_letters, SERVICES),
)


_NEWEST: Mapping[str, Topic] = {t.short: t for t in sorted(TOPICS.values(), key=lambda t: t.major)}


def is_newest(of: Topic) -> bool:
    """Whether no later major version of the topic exists."""
    return _NEWEST[of.short].major == of.major


def short_name(of: Topic) -> str:
    """The shortest name that :func:`topic` accepts: without the major version if it is the newest."""
    return of.short if is_newest(of) else f"{of.short}.v{of.major}"


def topic(name: str) -> Topic:
    """Look up a topic by name.


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
