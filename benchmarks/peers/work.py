"""The work of Septet's default path that no framework provides, for all peers.

Rails, answerability, prompt and scorers are the functions of Septet's services, so that all contenders do the same work.
The records between the steps are those of the services, built without validation, because a single process has no wire to
check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
from septet_contracts import (
    Ask,
    CacheInfo,
    Draft,
    Flow,
    Grounded,
    Outcome,
    Passage,
    RetrievalInfo,
    Revision,
    Screened,
)
from septet_eval.adapters.embeddings import AnswerVectors
from septet_eval.application.evaluator import Evaluator
from septet_eval.domain.scorers import select
from septet_eval.domain.sources import sources
from septet_eval.settings import EvalSettings
from septet_generation.adapters.templates import Templates
from septet_generation.domain.answer import without_tags
from septet_generation.domain.catalogue import Model
from septet_generation.domain.chat import ChatMessage
from septet_generation.domain.prompt import compose
from septet_generation.settings import GenerationSettings
from septet_guardrails.adapters.language import FastTextLanguage
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.application.correction import Revise, decide
from septet_guardrails.application.screening import screen
from septet_guardrails.domain.rails import input_rails, output_rails
from septet_guardrails.domain.replies import blocked
from septet_kit.embedding_models import definition_of
from septet_kit.embeddings_client import Embedder, as_embedding
from septet_kit.settings import KitSettings
from septet_retrieval.application.classifier import AnswerabilityClassifier
from septet_retrieval.domain.abstention import abstention
from septet_retrieval.settings import RetrievalSettings

DEADLINE = timedelta(seconds=60)
CANDIDATES = RetrievalSettings().candidates
PASSAGES = Ask(question="?").retrieval.k
"""Passages of each search and passages after fusion: Septet's defaults."""

_CACHE = CacheInfo(status="disabled")
_RETRIEVAL = RetrievalInfo(mode="hybrid", fusion="rrf")


@dataclass(frozen=True)
class Reply:
    """Response for the client."""

    status: str
    answer: str
    sources: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    scores: list[dict[str, Any]]


def check(reply: Reply) -> None:
    """Check that a question of the corpus got an answer.

    Raises:
        RuntimeError: it did not; the peer is not wired as it should be.
    """
    if not (reply.answer and reply.sources):
        raise RuntimeError(f"a question of the corpus got no answer: {reply}")


class Work:
    """Models, rails and connections of a process; ``model`` has the limits of the chat model."""

    def __init__(self, settings: KitSettings) -> None:
        names, profanity = PresidioNames(), ProfanityModel()
        self._policies = PolicyFiles.load()
        self._input = input_rails(injection_model(), injection_curve(), names, profanity)
        self._output = output_rails(names, profanity)
        self._language = FastTextLanguage()
        self._language("Is the model loaded before the first question comes?")
        self.embedder = Embedder(settings)
        retrieval, scoring = RetrievalSettings(), EvalSettings()
        self._judge = AnswerabilityClassifier(self.embedder, retrieval)
        self._threshold = retrieval.answerability_threshold
        self.model: Model = GenerationSettings().catalogue(settings).chain("default")[0]
        self._render = Templates.load(None).render
        vectors = AnswerVectors(self.embedder, scoring.embedding_calls, scoring.embedding_batch)
        budget_s = scoring.scoring_budget.total_seconds()
        self._evaluator = Evaluator(select(scoring.scorers), vectors, budget_s)

    async def close(self) -> None:
        """Close the connections."""
        await self.embedder.close()

    def screen(self, question: str) -> Screened | Outcome:
        """Run language detection and input rails; a blocked question gives an outcome."""
        ask = Ask(question=question)
        policy = self._policies.find("default", ask.policy)
        found = screen(ask, policy, self._input, self._language)
        now = datetime.now(UTC)
        event = Screened.model_construct(
            request_id=uuid4().hex,
            tenant="default",
            event_id=uuid4(),
            occurred_at=now,
            accepted_at=now,
            deadline=now + DEADLINE,
            request_digest="",
            ask=found.ask,
            language=found.language,
            policy_version=policy.version,
            verdicts=found.verdicts,
        )
        if found.blocked_by is None:
            return event
        return _outcome(event, status="blocked", answer=blocked(found.blocked_by, found.language))

    async def assess(
        self, event: Screened, passages: Sequence[Passage], vector: Sequence[float]
    ) -> Grounded | Outcome:
        """Assess whether the passages can answer the question; an abstention gives an outcome."""
        unit = np.asarray(vector, dtype=np.float32)
        unit /= max(float(np.linalg.norm(unit)), 1e-12)
        embedding = as_embedding(self.embedder.model, unit)
        query = event.ask.query
        assessed = await self._judge.assess(query, passages, embedding)
        verdict = assessed.verdict(self._threshold)
        carried = {
            "passages": tuple(passages),
            "question_vector": embedding,
            "answerability": verdict,
            "cache": _CACHE,
            "retrieval": _RETRIEVAL,
        }
        if verdict.answerable:
            return Grounded.model_construct(**(_carried(event, Grounded) | carried))
        answer = abstention(query, event.language, passages)
        return _outcome(event, status="abstained", answer=answer, **carried)

    def prompt(self, event: Grounded | Revision) -> tuple[ChatMessage, ...]:
        """Messages for the model: passages within its limit, worked examples, question."""
        return compose(event, self.model, self._render).messages

    def review(self, event: Grounded | Revision, answer: str, finish_reason: str) -> Revision | Outcome:
        """Run output rails; returns the outcome, or a revision that calls the model again."""
        attempt = event.attempt if isinstance(event, Revision) else 1
        said = {
            "answer": without_tags(answer),
            "model": self.model.model,
            "attempt": attempt,
            "finish_reason": finish_reason,
        }
        draft = Draft.model_construct(**(_carried(event, Draft) | said))
        policy = self._policies.find("default", event.ask.policy)
        remaining = (event.deadline - datetime.now(UTC)).total_seconds()
        step = decide(draft, policy, self._output, remaining)
        verdicts = (*(v for v in event.verdicts if v.stage == "input"), *step.verdicts)
        if isinstance(step, Revise):
            again = {"rejected": draft.answer, "complaints": step.complaints, "attempt": attempt + 1}
            return Revision.model_construct(**(_carried(event, Revision) | again | {"verdicts": verdicts}))
        return _outcome(
            event, status=step.status, answer=step.answer, answer_kind=step.kind, verdicts=verdicts
        )

    async def reply(self, outcome: Outcome) -> Reply:
        """Run every scorer of the hot path and build the reply, with passages as sources."""
        card = await self._evaluator.evaluate(outcome)
        shown = sources(outcome)
        return Reply(
            outcome.status,
            outcome.answer or "",
            [s.model_dump() for s in shown],
            [v.model_dump() for v in outcome.verdicts],
            [s.model_dump() for s in card.scores],
        )


def _outcome(event: Screened | Grounded | Revision, **fields: Any) -> Outcome:
    return Outcome.model_construct(**(_carried(event, Outcome) | {"origin": "peer"} | fields))


def _carried(event: Flow, into: type[Flow]) -> dict[str, Any]:
    """Fields that the next record copies from the previous one."""
    return {name: value for name, value in event if name in into.model_fields and name != "contract"}


def question_prefix(model: str) -> str:
    """The text that an embedding model expects before a question, which Septet's client adds by itself."""
    known = definition_of(model)
    return known.prefixes["question"] if known else ""
