"""Scoring stays within its budget, and a failed or late scorer never withholds an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from septet_contracts import Embedding, Outcome, Score
from septet_eval.adapters.embeddings import AnswerVectors
from septet_eval.application.evaluator import Evaluator
from septet_eval.domain.case import Case, Vector
from septet_eval.domain.scorers import SCORERS, Scorer
from septet_eval.domain.scoring import ScoreCard
from septet_eval.settings import EvalSettings
from septet_eval.telemetry import report
from septet_kit import KitSettings, Transient
from septet_kit.embeddings_client import Embedder
from septet_kit.testing import flow

QUESTION = Embedding.of("multilingual-e5-small", (1.0, 0.0))


class Stub:
    """An embeddings endpoint with a delay, which records its calls."""

    def __init__(self, after_s: float = 0.0) -> None:
        self.asked: list[str] = []
        self._after_s = after_s

    async def embed(self, text: str, model: str, within: float) -> Vector | None:
        self.asked.append(text)
        try:
            async with asyncio.timeout(within):
                await asyncio.sleep(self._after_s)
        except TimeoutError:
            return None
        return np.array([1.0, 0.0], np.float32)


ALL = tuple(SCORERS.values())


async def test_the_answer_is_embedded_once_without_citation_markers() -> None:
    stub = Stub()
    card = await Evaluator(ALL, stub, 0.15).evaluate(
        flow(Outcome, answer_kind="generated", question_vector=QUESTION)
    )
    assert stub.asked == ["A deque is a double-ended queue."]
    assert card.degraded == ()
    relevance = next(s for s in card.scores if s.name == "answer_relevance")
    assert relevance.scorer == "answer_relevance/2"
    assert relevance.value == 1.0


async def test_a_late_embedding_leaves_the_lexical_score_and_is_listed_as_degraded() -> None:
    started = time.monotonic()
    card = await Evaluator(ALL, Stub(5.0), 0.1).evaluate(
        flow(Outcome, answer_kind="generated", question_vector=QUESTION)
    )
    assert time.monotonic() - started < 0.5
    assert card.degraded == ("eval.embeddings",)
    assert next(s for s in card.scores if s.name == "answer_relevance").scorer.endswith("lexical")


@pytest.mark.parametrize(
    "fields",
    [
        {"answer_kind": "cached"},
        {"status": "abstained"},
        {"answer": None},
        {"question_vector": None},
        {"question_vector": Embedding.of("a-model-without-calibration", (1.0, 0.0))},
    ],
)
async def test_an_answer_that_needs_no_embedding_is_not_embedded(fields: dict[str, Any]) -> None:
    stub = Stub()
    card = await Evaluator(ALL, stub, 0.15).evaluate(
        flow(Outcome, **{"answer_kind": "generated", "question_vector": QUESTION} | fields)
    )
    assert stub.asked == []
    assert card.degraded == ()


def _slow(case: Case) -> Score | None:
    time.sleep(0.06)
    return Score(name="slow", value=1.0)


def _broken(case: Case) -> Score | None:
    raise ZeroDivisionError("a bug")


async def test_scorers_past_the_budget_are_skipped_and_listed() -> None:
    panel = (Scorer("slow", _slow), SCORERS["length"], SCORERS["refusal"])
    card = await Evaluator(panel, Stub(), 0.05).evaluate(flow(Outcome))
    assert [s.name for s in card.scores] == ["slow"]
    assert card.degraded == ("eval.length", "eval.refusal")


async def test_a_failed_scorer_is_listed_and_the_others_run() -> None:
    card = await Evaluator((Scorer("broken", _broken), SCORERS["length"]), Stub(), 0.15).evaluate(
        flow(Outcome)
    )
    assert [s.name for s in card.scores] == ["length"]
    assert card.degraded == ("eval.broken",)
    assert isinstance(card.errors["broken"], ZeroDivisionError)


class Recorded(Embedder):
    """An embedder with a delay, which records its calls and fails on the text ``bad``."""

    def __init__(self) -> None:
        super().__init__(KitSettings(embeddings_model="m"))
        self.calls: list[list[str]] = []

    async def embed(self, texts: Sequence[str], kind: str) -> Vector:
        self.calls.append(list(texts))
        await asyncio.sleep(0.02)
        if "bad" in texts:
            raise Transient("embeddings_unavailable", "down")
        return np.array([[float(t), 1.0] for t in texts], np.float32)


async def test_waiting_answers_share_a_call_and_get_their_own_vectors() -> None:
    embedder = Recorded()
    vectors = AnswerVectors(embedder, calls=1, batch=4)
    found = await asyncio.gather(*(vectors.embed(str(i), "m", 1.0) for i in range(10)))
    assert [v[0] for v in found if v is not None] == [float(i) for i in range(10)]
    assert [len(c) for c in embedder.calls] == [1, 4, 4, 1]


async def test_an_answer_past_its_time_limit_is_not_embedded() -> None:
    embedder = Recorded()
    vectors = AnswerVectors(embedder, calls=1, batch=4)
    first = asyncio.ensure_future(vectors.embed("1", "m", 1.0))
    await asyncio.sleep(0)
    assert await vectors.embed("2", "m", 0.005) is None
    assert await first is not None
    assert await vectors.embed("3", "m", 1.0) is not None
    assert embedder.calls == [["1"], ["3"]]


async def test_a_failed_call_fails_only_its_batch() -> None:
    vectors = AnswerVectors(Recorded(), calls=1, batch=2)
    found = await asyncio.gather(*(vectors.embed(t, "m", 1.0) for t in ("1", "bad", "2", "3")))
    assert [v is None for v in found] == [False, True, True, False]


async def test_an_unavailable_endpoint_or_another_model_gives_no_vector() -> None:
    embedder = Embedder(KitSettings(embeddings_url="http://127.0.0.1:9/v1", embeddings_model="m"))
    vectors = AnswerVectors(embedder, 1, 1)
    assert await vectors.embed("text", "m", 2.0) is None
    assert await vectors.embed("text", "another", 2.0) is None
    await embedder.close()


def test_scores_become_evaluation_events_on_the_current_span() -> None:
    card = ScoreCard([Score(name="refusal", value=0.0, label="compliance")], skipped=["length"])
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("process") as span:
        report(card, flow(Outcome))
    assert isinstance(span, ReadableSpan)
    [event] = span.events
    assert event.name == "gen_ai.evaluation.result"
    assert dict(event.attributes or {}) == {
        "gen_ai.evaluation.name": "refusal",
        "gen_ai.evaluation.score.value": 0.0,
        "gen_ai.evaluation.score.label": "compliance",
    }


def test_settings_reject_unknown_scorers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_EVAL_SCORERS", '["length", "nonsense"]')
    with pytest.raises(ValueError, match="unknown scorers nonsense"):
        EvalSettings()
    monkeypatch.setenv("SEPTET_EVAL_SCORERS", '["length"]')
    monkeypatch.setenv("SEPTET_EVAL_FLOORS", '{"groundedness": 0.7}')
    settings = EvalSettings()
    assert settings.scorers == ("length",)
    assert settings.admission_floors.scores == {"groundedness": 0.7}


@pytest.mark.parametrize(
    ("floors", "complaint"),
    [({"groundednes": 0.5}, "unknown scorers groundednes"), ({"groundedness": 5}, "less than or equal to 1")],
)
def test_floors_name_known_scorers_and_possible_scores(floors: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        EvalSettings(floors=floors)
