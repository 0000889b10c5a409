"""Stored answers: entries, candidates and vetoes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict
from septet_contracts import Answerability, Embedding, Passage, Score, Source, Verdict

from septet_cache.domain.normalise import clean, digest
from septet_cache.domain.scope import Slot


class Entry(BaseModel):
    """A released answer with its verdicts, scores and sources."""

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
        """Content hash by document id, for every document in the model's prompt."""
        return {s.document_id: s.content_hash for s in self.sources}

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The sources as passages in the order of their numbers, so that ``[n]`` refers to the same passage."""
        return tuple(_passage(s) for s in sorted(self.sources, key=lambda s: s.number))


@dataclass(frozen=True)
class Candidate:
    """An entry with a similar question; ``similarity`` is the cosine of the questions' embeddings."""

    entry: Entry
    similarity: float


@dataclass(frozen=True)
class Veto:
    """A ban on an answer by negative feedback; it outlives the entry.

    It refuses an admission with the same request, or with the same question and answer.
    """

    tenant: str
    reason: str
    request_id: str
    form: str | None = None
    answer_digest: str | None = None
    slot: Slot | None = None


def answer_digest(answer: str) -> str:
    """Return a digest of the answer that is independent of case and spacing."""
    return digest(clean(answer).casefold())


def _passage(source: Source) -> Passage:
    return Passage(
        passage_id=source.passage_id,
        document_id=source.document_id,
        content_hash=source.content_hash,
        title=source.title,
        location=source.location,
        uri=source.uri,
        text=source.passage,
        start=source.start or 0,
        end=source.end or 0,
        score=source.score if source.score is not None else 0.0,
    )
