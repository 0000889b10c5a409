"""Classifier of answerability, and the text of an abstention."""

from __future__ import annotations

import pytest
from septet_contracts import Passage
from septet_retrieval.domain.abstention import abstention
from septet_retrieval.domain.answerability import Assessment, assess, coefficients
from septet_retrieval.domain.evidence import MAX_SENTENCES, Terms, best_sentences

DEQUE = (
    "class collections.deque(iterable)\n\nA list-like sequence optimized for data accesses near its endpoints. "
    "It is thread safe."
)
SEOUL = "서울은 대한민국의 수도이자 최대 도시이다. 부산은 항구 도시이다."


def passage(text: str, title: str = "", similarity: float | None = None) -> Passage:
    fields = {"passage_id": "p", "document_id": "d", "content_hash": "h", "start": 0, "score": 1.0}
    return Passage(**fields, title=title, text=text, end=len(text), similarity=similarity)


def classify(
    question: str, *passages: Passage, cosines: float | None = None, foreign: bool = False
) -> Assessment:
    terms = Terms.of(question)
    sentences = best_sentences(terms, passages)
    values = None if cosines is None else [cosines] * len(sentences)
    return assess(terms, passages, sentences, values, foreign=foreign)


def test_close_and_complete_evidence_is_answerable_and_distant_evidence_is_not() -> None:
    near = classify("What is a deque?", passage(DEQUE, "collections.deque", 0.7), cosines=0.7)
    far = classify("What is the capital of France?", passage(DEQUE, "collections.deque", 0.05), cosines=0.05)
    assert near.verdict(0.5).answerable
    assert not far.verdict(0.5).answerable
    assert near.kind == far.kind == "semantic"


def test_a_matching_title_is_evidence() -> None:
    text = "Return a copy of the string converted to uppercase. Numbers stay as they are."
    named = classify("What does str.upper do?", passage(text, "str.upper", 0.2), cosines=0.2)
    other = classify("What does str.lower do?", passage(text, "str.upper", 0.2), cosines=0.2)
    assert named.verdict(0.5).answerable
    assert not other.verdict(0.5).answerable


def test_the_subject_is_quoted_before_its_parts() -> None:
    copy = passage("Return a shallow copy of a deque. It is new.", "collections.deque.copy", 0.6)
    best = classify("What is a deque?", copy, passage(DEQUE, "collections.deque", 0.6), cosines=0.6).best
    assert best is not None
    assert best.text.startswith("A list-like sequence")


def test_a_question_in_a_document_is_not_quoted() -> None:
    text = 'Try `septet ask "What is a deque?"`. A deque is a list-like sequence for both ends.'
    best = classify("What is a deque?", passage(text, "Tour")).best
    assert best is not None
    assert best.text.startswith("A deque is")


def test_without_cosines_words_decide() -> None:
    assert classify("Is a deque thread safe?", passage(DEQUE, "collections.deque")).probability > 0.5
    assert classify("What is the capital of France?", passage(DEQUE)).probability < 0.5


def test_korean_evidence() -> None:
    good = classify("대한민국의 수도는 어디인가요?", passage(SEOUL), foreign=True)
    bad = classify("프랑스의 대통령은 누구인가요?", passage(SEOUL), foreign=True)
    assert good.kind == "foreign"
    assert good.verdict(0.5).answerable
    assert not bad.verdict(0.5).answerable
    assert good.best is not None
    assert good.best.text.startswith("서울은")


@pytest.mark.parametrize("kind", ["semantic", "lexical", "foreign"])
def test_more_evidence_never_lowers_the_probability(kind: str) -> None:
    model = coefficients()[kind]  # type: ignore[index]
    assert model["intercept"] < 0
    assert sum(value for name, value in model.items() if name != "intercept") > -model["intercept"] > 0


def test_without_passages_the_probability_is_zero() -> None:
    verdict = classify("What is a deque?").verdict(0.5)
    assert (verdict.score, verdict.answerable, verdict.best, verdict.reason) == (
        0.0,
        False,
        None,
        "nothing was found",
    )


def test_the_quote_is_verbatim_and_no_bare_signature() -> None:
    best = classify("What is a deque?", passage(DEQUE, "collections.deque"), cosines=0.5).best
    assert best is not None
    assert DEQUE[best.start : best.end] == best.text
    assert best.text.startswith("A list-like sequence")
    assert best.number == 1


def test_sentences_are_bounded_and_in_order() -> None:
    many = passage(" ".join(f"Sentence number {n} of the deque text." for n in range(60)))
    sentences = best_sentences(Terms.of("deque"), [many, many])
    assert len(sentences) == MAX_SENTENCES
    positions = [(sentence.number, sentence.span.start) for sentence in sentences]
    assert positions == sorted(positions)


def test_names_are_distinguished_from_other_terms() -> None:
    assert Terms.of("When did Ada Lovelace meet Babbage?").names == {"ada", "lovelac", "babbag"}
    assert Terms.of("what is a deque?").names == set()


@pytest.mark.parametrize(
    ("question", "language", "start"),
    [
        ("Who?", "en", "I cannot answer this from the documents. The nearest sources are: Guide, d."),
        ("누구인가요?", None, "문서에서 이 질문에 답할 근거를 찾지 못했습니다. 가장 가까운 자료: Guide, d."),
    ],
)
def test_an_abstention_is_in_the_questions_language(question: str, language: str | None, start: str) -> None:
    assert abstention(question, language, [passage("x", "Guide"), passage("y")]) == start


def test_abstention_without_sources_names_none() -> None:
    assert abstention("Who?", "en", []) == "I cannot answer this from the documents."
