"""Each scorer computes the documented value, in English and Korean."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from septet_contracts import Ask, Outcome, Score, Verdict
from septet_eval.domain.case import Case, case_of
from septet_eval.domain.scorers import SCORERS, select
from septet_eval.domain.scorers.readability import english_syllables, flesch_reading_ease
from septet_eval.domain.scorers.refusal import is_refusal
from septet_eval.domain.scorers.relevance import CALIBRATIONS
from septet_eval.domain.text import sentences
from septet_kit import KitSettings
from septet_kit.testing import flow, passage

DEQUE = "Deques are a generalization of stacks and queues. They support appends from either side in O(1)."
KO_DEQUE = "덱은 스택과 큐를 일반화한 것입니다. 양쪽 끝에서 추가와 삭제를 지원합니다."


def case(answer: str, question: str = "What is a deque?", *texts: str, **fields: Any) -> Case:
    return Case(
        question=question,
        answer=answer,
        passages=tuple(passage(t, i) for i, t in enumerate(texts, 1)),
        **fields,
    )


def score(name: str, given: Case) -> Score:
    found = SCORERS[name].function(given)
    assert found is not None
    assert found.name == name
    return found


def value(name: str, given: Case) -> float:
    return score(name, given).value


def test_relevance_without_embeddings_is_lexical() -> None:
    found = score("answer_relevance", case("A deque is a double-ended queue."))
    assert found.value == 1.0
    assert found.scorer.endswith("lexical")
    assert value("answer_relevance", case("Paris lies on the Seine.")) == 0.0
    assert value("answer_relevance", case("덱은 양쪽 끝을 쓰는 큐입니다.", "덱은 무엇인가요?")) == 1.0


def embedded(cosine: float, model: str, korean: bool = False) -> Case:
    """An answer without the question's words, at a cosine to the question."""
    question = np.array([1, 0], np.float32)
    answer = np.array([cosine, math.sqrt(1 - cosine**2)], np.float32)
    texts = ("양쪽 끝을 씁니다.", "덱은 무엇인가요?") if korean else ("It is double-ended.",)
    return case(*texts, question_vector=question, answer_vector=answer, vector_model=model)


@pytest.mark.parametrize("model", CALIBRATIONS)
def test_relevance_scales_the_cosine_of_each_model(model: str) -> None:
    calibration = CALIBRATIONS[model]
    middle = (calibration.unrelated + calibration.related) / 2
    cosines = (-0.5, calibration.unrelated, middle, calibration.related, 1.0)
    for korean, weight in ((False, calibration.weight), (True, calibration.weight_korean)):
        found = [value("answer_relevance", embedded(cosine, model, korean)) for cosine in cosines]
        assert found == pytest.approx([0, 0, weight / 2, weight, weight], abs=1e-3)
    assert value("answer_relevance", embedded(middle, f"owner/{model}")) > 0


def test_relevance_with_another_model_is_lexical() -> None:
    found = score("answer_relevance", embedded(1.0, "another-model"))
    assert found.scorer.endswith("lexical")
    assert found.value == 0.0


def test_the_default_embedding_model_has_a_calibration_for_both_languages() -> None:
    calibration = CALIBRATIONS[KitSettings().embeddings_model]
    assert min(calibration.weight, calibration.weight_korean) >= 0.5


def test_groundedness_is_the_last_score_of_the_guardrail() -> None:
    verdicts = (
        Verdict(rail="groundedness", stage="output", decision="reask", score=0.2),
        Verdict(rail="groundedness", stage="output", decision="pass", score=0.9),
    )
    assert value("groundedness", case("Anything at all.", "?", DEQUE, verdicts=verdicts)) == 0.9


def test_groundedness_by_coverage() -> None:
    assert value("groundedness", case("Deques generalize stacks and queues. [1]", "?", DEQUE)) >= 0.6
    assert value("groundedness", case("Paris is the capital of France.", "?", DEQUE)) == 0.0
    assert value("groundedness", case("덱은 스택과 큐의 일반화입니다.", "?", KO_DEQUE)) >= 0.6
    assert value("groundedness", case("서울은 대한민국의 수도이다.", "?", KO_DEQUE)) <= 0.2


def test_groundedness_halves_a_sentence_with_an_unknown_number() -> None:
    right = value("groundedness", case("Deques support appends in O(1).", "?", DEQUE))
    wrong = value("groundedness", case("Deques support appends in O(2).", "?", DEQUE))
    assert wrong <= right / 2


def test_groundedness_by_coverage_is_that_of_the_weakest_sentence() -> None:
    good, bad = "Deques generalize stacks and queues.", "Paris is the capital of France."
    assert value("groundedness", case(f"{good} {bad}", "?", DEQUE)) == 0.0
    assert value("groundedness", case(good, "?", DEQUE)) >= 0.6


def test_groundedness_needs_the_numbers_in_the_passage_that_covers_the_sentence() -> None:
    answer = "The kettle has a warranty of 24 months."
    right = case(answer, "?", "The kettle has a warranty of 24 months.", "Parcels take 3 days.")
    wrong = case(answer, "?", "The kettle has a warranty of 12 months.", "Parcels take 24 days.")
    assert value("groundedness", wrong) <= value("groundedness", right) / 2


def test_context_relevance_is_the_larger_of_cosine_and_terms() -> None:
    given = Case(
        "What is a deque?",
        "x",
        passages=(passage(DEQUE, 1, similarity=0.4), passage("Paris.", 2, similarity=0.6)),
    )
    assert value("context_relevance", given) == pytest.approx(0.8)
    assert score("context_relevance", given).explanation == "2 of 2 passages relevant, best 1.00"


def test_citation_precision_counts_supported_pairs() -> None:
    text = "Deques generalize stacks and queues [1]. They were invented in Paris [1]. Nobody knows [9]."
    assert value("citation_precision", case(text, "?", DEQUE)) == pytest.approx(1 / 3, abs=1e-3)
    assert value("citation_precision", case("덱은 스택과 큐를 일반화합니다 [1].", "?", KO_DEQUE)) == 1.0
    assert value("citation_precision", case("Appends take O(3) from either side [1].", "?", DEQUE)) == 0.0


def test_citation_recall_counts_supported_sentences() -> None:
    text = (
        "Deques generalize stacks and queues [1]. They generalize queues. They were invented in Paris [1][9]."
    )
    assert value("citation_recall", case(text, "?", DEQUE)) == pytest.approx(1 / 3, abs=1e-3)
    assert (
        value("citation_recall", case("덱은 스택과 큐를 일반화합니다 [1]. 큐입니다.", "?", KO_DEQUE)) == 0.5
    )
    assert value("citation_recall", case("Appends take O(3) from either side [1].", "?", DEQUE)) == 0.0


def test_citation_recall_reads_all_passages_that_a_sentence_cites() -> None:
    passages = ("The kettle has a warranty.", "Warranties last 24 months.")
    answer = "The kettle has a warranty of 24 months"
    assert value("citation_recall", case(f"{answer} [1][2].", "?", *passages)) == 1.0
    assert value("citation_recall", case(f"{answer} [1].", "?", *passages)) == 0.0
    assert SCORERS["citation_recall"].function(case("...", "?", *passages)) is None


@pytest.mark.parametrize("name", ["citation_precision", "citation_recall"])
def test_an_answer_without_citations_is_labelled(name: str) -> None:
    found = score(name, case("Deques are queues.", "?", DEQUE))
    assert (found.value, found.label) == (0.0, "uncited")


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I don’t know.",
        "The passages do not contain the answer.",
        "I am unable to answer this question.",
        "Sorry, but that is not something I do.",
        "죄송합니다. 답변을 드릴 수 없습니다.",
        "제공된 문서에는 나와 있지 않습니다.",
        "잘 모르겠습니다.",
        "해당 정보를 찾을 수 없습니다.",
    ],
)
def test_a_refusal_is_recognised(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "A deque is a double-ended queue.",
        "Tuples cannot be changed.",
        "A set does not contain duplicates.",
        "It is not possible to hash a list.",
        "덱은 양쪽 끝을 쓰는 큐입니다.",
        "튜플은 변경할 수 없습니다.",
        "키가 없으면 KeyError가 납니다.",
    ],
)
def test_an_answer_is_not_a_refusal(text: str) -> None:
    assert not is_refusal(text)


def test_flesch_equals_a_manual_calculation() -> None:
    text = sentences("The cat sat on the mat.")
    assert flesch_reading_ease(text) == pytest.approx(206.835 - 1.015 * 6 - 84.6 * 1.0)


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("cat", 1),
        ("queue", 1),
        ("table", 2),
        ("generalization", 6),
        ("named", 1),
        ("wanted", 2),
        ("the", 1),
        ("python", 2),
    ],
)
def test_english_syllables(word: str, count: int) -> None:
    assert english_syllables(word) == count


def test_readability_orders_texts() -> None:
    easy, hard = (
        "The cat sat. The dog ran.",
        "Notwithstanding considerable organizational heterogeneity, institutions proliferate.",
    )
    assert value("readability", case(easy)) > 0.9 > 0.1 > value("readability", case(hard))
    easy_ko, hard_ko = (
        "개가 온다. 나는 간다.",
        "데이터베이스관리시스템에서의 트랜잭션격리수준설정방법에대한 종합적고찰이다.",
    )
    assert value("readability", case(easy_ko)) > value("readability", case(hard_ko))


def test_length_counts_words_and_eojeol() -> None:
    assert score("length", case("one two three [1]")).explanation == "3 words, 13 characters"
    assert score("length", case("덱은 큐입니다")).explanation == "2 eojeol, 7 characters"
    long = score("length", case("word " * 800))
    assert (long.value, long.label) == (0.5, "too_long")


@pytest.mark.parametrize(
    ("answer", "reference", "em", "f1"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1.0, 1.0),
        ("in the Eiffel Tower [1]", "Eiffel Tower", 0.0, 0.8),
        ("Paris", "London", 0.0, 0.0),
        ("기원전 247년", "기원전 247년.", 1.0, 1.0),
        ("기원전 247년에", "기원전 247년", 0.0, 14 / 15),
    ],
)
def test_reference_scores(answer: str, reference: str, em: float, f1: float) -> None:
    given = case(answer, references=(reference, "zzz"))
    assert value("exact_match", given) == em
    assert value("token_f1", given) == pytest.approx(f1, abs=1e-4)


def test_rouge_l_equals_manual_calculations() -> None:
    assert value("rouge_l", case("police killed the gunman", references=("police kill the gunman",))) == 0.75
    assert value("rouge_l", case("덱은 큐다", references=("덱은 큐다",))) == 1.0
    assert value("rouge_l", case("abc", references=("덱",))) == 0.0


def test_reference_scores_need_a_reference() -> None:
    assert all(SCORERS[n].function(case("x")) is None for n in ("exact_match", "token_f1", "rouge_l"))


def test_an_outcome_without_an_answer_gets_only_the_scores_that_apply() -> None:
    given = case("I am sorry, nothing was found.", "?", DEQUE, answered=False, references=("x",))
    scored = {s.name for s in SCORERS.values() if s.function(given) is not None}
    assert scored == {"refusal", "length", "readability", "context_relevance"}


def test_a_reply_from_a_template_is_not_judged_as_an_answer() -> None:
    ask = Ask(question="Hello!", reference="Hi")
    reply = flow(Outcome, ask=ask, status="answered", origin="guardrails", answer="Hello! Ask me.")
    names = [name for name, scorer in SCORERS.items() if scorer.function(case_of(reply)) is not None]
    assert names == ["refusal", "length", "readability"]


def test_json_answers_are_scored_by_their_values() -> None:
    ask = Ask(question="Where?", output_schema={"type": "object"}, reference="Paris")
    given = case_of(flow(Outcome, ask=ask, answer_kind="generated", answer='{"city": "Paris", "sure": true}'))
    assert given.answer == "Paris"
    assert value("exact_match", given) == 1.0
    assert SCORERS["citation_precision"].function(given) is None


@pytest.mark.parametrize("text", ["", " ", "[1]", "!!!", "\x00", "가", "a" * 50_000, "1 " * 5_000])
def test_no_scorer_raises_on_unusual_answers(text: str) -> None:
    outcome = flow(
        Outcome, answer=text, passages=(passage(text or "x"),), ask=Ask(question="?", reference=("", "a"))
    )
    for one in SCORERS.values():
        found = one.function(case_of(outcome))
        assert found is None or 0.0 <= found.value <= 1.0


@pytest.mark.parametrize(
    "unit",
    [" ", "\n", "e.g. ", "[1", "[1] ", "[1,", "1,", "a", "가", "a.", "S [1][2][3]. ", "i'm ", '"', "[1 , "],
)
def test_hostile_text_of_any_size_is_scored_in_bounded_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    outcome = flow(
        Outcome,
        answer=text,
        passages=tuple(passage(text, n) for n in range(1, 11)),
        ask=Ask(question=text[:30_000], reference=text[:30_000]),
    )
    started = time.process_time()
    for one in SCORERS.values():
        one.function(case_of(outcome))
    assert time.process_time() - started < 2.0


def test_scorers_are_selected_by_name() -> None:
    assert [s.name for s in select(["length", "refusal"])] == ["refusal", "length"]
    with pytest.raises(ValueError, match=r"unknown scorers bleu; known: .*rouge_l"):
        select(["bleu"])
