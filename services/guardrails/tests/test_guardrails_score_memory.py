"""The memory of scores: a repeated text is scored once, and no text is kept."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from septet_contracts import Ask
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.domain.injection.model import InjectionModel
from septet_guardrails.domain.policy import InjectionRule
from septet_guardrails.domain.rails.base import Question
from septet_guardrails.domain.rails.injection import InjectionRail
from septet_guardrails.domain.score_memory import ScoreMemory


class Scorer:
    """Records the texts that it scores."""

    def __init__(self) -> None:
        self.scored: list[tuple[str, ...]] = []

    def __call__(self, *texts: str) -> tuple[float, str]:
        self.scored.append(texts)
        return len("".join(texts)) / 100, "length"


def test_a_repeated_text_is_scored_once() -> None:
    scorer = Scorer()
    memory = ScoreMemory(scorer)
    assert [memory("무엇인가요?"), memory("무엇인가요?")] == [(0.06, "length")] * 2
    assert scorer.scored == [("무엇인가요?",)]


@pytest.mark.parametrize("other", [("a", "bc"), ("abc",), ("ab", "c", ""), ("ab", "C")])
def test_other_texts_have_another_score(other: tuple[str, ...]) -> None:
    scorer = Scorer()
    memory = ScoreMemory(scorer)
    memory("ab", "c")
    memory(*other)
    assert scorer.scored == [("ab", "c"), other]


def test_the_texts_that_were_asked_last_are_kept() -> None:
    scorer = Scorer()
    memory = ScoreMemory(scorer, entries=2)
    for text in ("one", "two", "one", "three", "one", "two"):
        memory(text)
    assert scorer.scored == [("one",), ("two",), ("three",), ("two",)]


def test_no_text_is_kept() -> None:
    memory = ScoreMemory(lambda *texts: (0.5, "classifier"))
    memory("my number is 010-1234-5678", "earlier message")
    kept = pickle.dumps(memory._known._known)
    assert b"classifier" in kept
    assert b"1234" not in kept
    assert b"earlier" not in kept


def test_threads_may_share_it() -> None:
    memory = ScoreMemory(lambda text: (float(text), ""), entries=8)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(memory, [str(n % 16) for n in range(2_000)]))
    assert [score for score, _ in found] == [n % 16 for n in range(2_000)]
    assert len(memory._known) == 8


def test_the_injection_rail_reads_a_repeated_question_once() -> None:
    packaged, read = injection_model(), []

    def classify(text: str) -> tuple[float, float]:
        read.append(text)
        return packaged.classify(text)

    rail = InjectionRail(InjectionModel(packaged.head, packaged.weights, classify), injection_curve())
    question = Question(Ask(question="What is a deque?"), "en", 1.0)
    assert rail.check(question, InjectionRule()) == rail.check(question, InjectionRule())
    assert read == ["what is a deque?"]
