"""A kept answer, with all that is needed to serve it again and to know when it must go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict
from septet_contracts import Answerability, Embedding, Passage, Score, Source, Verdict

from septet_cache.domain.normalise import clean, digest
from septet_cache.domain.scope import Slot


class Entry(BaseModel):
    """An answer that was released, with the checks it passed (``verdicts``, ``scores``) as they were."""

    model_config = ConfigDict(frozen=True)

    tenant: str
    slot: Slot
    question: str
    language: str | None = None
    answer: str
    answer_kind: Literal["generated", "extractive"]
    sources: tuple[Source, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    scores: tuple[Score, ...] = ()
    answerability: Answerability | None = None
    policy_version: str = ""
    model: str | None = None
    prompt_version: str | None = None
    request_id: str
    response_event_id: str
    created_at: AwareDatetime
    expires_at: AwareDatetime
    embedding: Embedding | None = None

    @property
    def answer_digest(self) -> str:
        return answer_digest(self.answer)

    @property
    def lineage(self) -> dict[str, str]:
        """Content hash by document id, of every document that was in front of the model."""
        return {s.document_id: s.content_hash for s in self.sources}

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The sources as passages, in the order of their numbers, so that ``[n]`` still points at them."""
        return tuple(
            Passage(
                passage_id=s.passage_id, document_id=s.document_id, content_hash=s.content_hash, title=s.title,
                location=s.location, uri=s.uri, text=s.passage, start=s.start or 0, end=s.end or 0,
                score=s.score if s.score is not None else 0.0,
            )
            for s in sorted(self.sources, key=lambda s: s.number)
        )  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """An entry whose question is near another; ``similarity`` is the cosine of their embeddings."""

    entry: Entry
    similarity: float


@dataclass(frozen=True)
class Veto:
    """A judgement of people that outlasts the entry: this answer to this question is not to be kept again.

    Matches an admission by the request that made the answer, or by question and answer.
    """

    tenant: str
    reason: str
    request_id: str
    form: str | None = None
    answer_digest: str | None = None
    slot: Slot | None = None


def answer_digest(answer: str) -> str:
    """Names an answer by its words, whatever its case and spacing."""
    return digest(clean(answer).casefold())
