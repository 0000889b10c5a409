"""Support of English and Korean sentences by passages."""

from __future__ import annotations

import pytest
from septet_contracts import Ask, Draft, Passage
from septet_guardrails.domain.grounding import Evidence, leaves, score_leaf, score_sentence
from septet_guardrails.domain.grounding.claims import names, numbers
from septet_guardrails.domain.grounding.tokens import plain_number
from septet_guardrails.domain.rails.base import Answer
from septet_guardrails.domain.rails.groundedness import score_answer
from septet_kit.testing import flow

DEQUE = Evidence.of(
    1,
    "Deques support thread-safe, memory efficient appends and pops from either side of the deque with "
    "approximately the same O(1) performance in either direction. If maxlen is not specified or is None, deques "
    "may grow to an arbitrary length. The class was added in Python 2.4 by Raymond Hettinger.",
    "collections.deque",
)
SEOUL = Evidence.of(
    2,
    "서울특별시는 대한민국의 수도이자 최대 도시이다. 1394년부터 조선의 수도였으며, 2020년 기준 인구는 약 970만 명이다. "
    "한강은 서울을 동서로 가로질러 흐른다.",
    "서울",
)


def probability(sentence: str, question: str = "") -> float:
    return score_sentence(sentence, [DEQUE, SEOUL], question).probability


@pytest.mark.parametrize(
    "sentence",
    [
        "Deques support memory efficient appends and pops from either side [1].",
        "If maxlen is None, deques may grow to an arbitrary length.",
        "The class was added in Python 2.4.",
        "Raymond Hettinger",
        "서울특별시는 대한민국의 수도이다 [2].",
        "2020년 기준 서울의 인구는 약 970만 명이다.",
        "한강은 서울을 가로질러 흐릅니다.",
    ],
)
def test_supported_sentences_score_at_least_half(sentence: str) -> None:
    assert probability(sentence) >= 0.5


@pytest.mark.parametrize(
    "sentence",
    [
        "The class was added in Python 3.7.",
        "The class was added in Python 2.4 by Guido Rossum.",
        "Deques do not support memory efficient appends and pops from either side.",
        "Hash tables store keys in buckets chosen by a hash function.",
        "서울의 인구는 2020년 기준 약 300만 명이다.",
        "부산은 대한민국에서 가장 큰 항구 도시이며 해운대가 유명하다.",
        "서울특별시는 대한민국의 수도가 아니다.",
    ],
)
def test_unsupported_sentences_score_less_than_half(sentence: str) -> None:
    assert probability(sentence) < 0.5


def test_support_has_the_best_passage_and_the_flaws() -> None:
    found = score_sentence("서울특별시는 대한민국의 수도이다.", [DEQUE, SEOUL], "")
    assert found.passage == 2
    wrong = score_sentence("Deques were added in Python 3.9.", [DEQUE, SEOUL], "")
    assert "a number that the passages do not have" in wrong.flaws


def test_support_is_zero_without_passages() -> None:
    assert score_sentence("Anything.", [], "").probability == 0.0


def test_sentence_that_repeats_the_question_is_not_supported_by_it() -> None:
    question = "Was the class added in Python 3.7?"
    assert probability("Yes, the class was added in Python 3.7.", question) < 0.5


def test_reversed_roles_are_not_supported() -> None:
    evidence = [Evidence.of(1, "The company Google acquired the startup Fitbit in 2021.")]
    right = score_sentence("Google acquired Fitbit in 2021.", evidence, "").probability
    wrong = score_sentence("Fitbit acquired Google in 2021.", evidence, "").probability
    assert right >= 0.5 > wrong


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        ("Yes, it is open on Sunday [1].", True),
        ("No, all of them.", True),
        ("Certainly, 5 of them.", True),
        ("Of course, it costs nothing.", True),
        ("네, 일요일에 엽니다.", True),
        ("In short, it is open.", True),
        ("Hello Kitty is a cat.", True),
        ("Yes.", False),
        ("Yes, it is [1].", False),
        ("Yes, that's correct.", False),
        ("Sure!", False),
        ("네, 그렇습니다.", False),
        ("I hope this helps!", False),
        ("Let me know if you have any questions.", False),
        ("도움이 되었기를 바랍니다.", False),
        ("Here are the answers:", False),
    ],
)
def test_only_answer_words_and_courtesies_have_no_claim(sentence: str, claims: bool) -> None:
    passages = (passage_of("The shop is closed on Sunday."),)
    draft = flow(Draft, answer=sentence, ask=Ask(question="Is it open?"), passages=passages)
    (scored,) = score_answer(Answer(sentence, draft), 1)
    assert scored.claims is claims


def passage_of(text: str) -> Passage:
    return Passage(
        passage_id="p", document_id="d", content_hash="h", text=text, start=0, end=len(text), score=1.0
    )


def by(passage: str, claim: str) -> float:
    return score_sentence(claim, [Evidence.of(1, passage)], "").probability


@pytest.mark.parametrize(
    ("passage", "claim", "supported"),
    [
        ("The store holds 235 , 000 books.", "The store holds 235,000 books.", True),
        ("The store holds 235,000 books.", "The store holds 235 , 000 books.", True),
        ("The plan costs 4 USD per month.", "The plan costs 4 hours per month.", False),
        ("The plan covers not only phones but tablets.", "The plan covers phones and tablets.", True),
        ("The plan covers phones and tablets.", "The plan covers not only phones but tablets.", True),
        (
            "The phone service is open to all of us.",
            "The phone service is never not open to all of us.",
            True,
        ),
        ("The service is available in Korea.", "The service is unavailable in Korea.", False),
        (
            "The committee accepted the proposal in March.",
            "The committee rejected the proposal in March.",
            False,
        ),
        (
            "The fee is not refunded, and the deposit is returned in June.",
            "The deposit is returned in June.",
            True,
        ),
    ],
)
def test_numbers_units_and_denials(passage: str, claim: str, supported: bool) -> None:
    assert (by(passage, claim) >= 0.5) is supported


@pytest.mark.parametrize(
    ("passage", "claim", "supported"),
    [
        ("이 요금제는 전화 지원이 없으며 저장 용량은 10GB이다.", "저장 용량은 10GB이다.", True),
        ("이 요금제는 전화 지원이 없으며 저장 용량은 10GB이다.", "이 요금제는 전화 지원이 있다.", False),
        ("그는 시험에 응시하지 않을 수 없었다.", "그는 시험에 응시하지 않았다.", False),
        ("서울의 인구는 2020년에 증가했다.", "서울의 인구는 2020년에 감소했다.", False),
        ("서울의 인구는 2020년에 증가했다.", "서울의 인구는 2020년에 증가했습니다.", True),
        ("미성년자의 가입은 허용된다.", "미성년자의 가입은 금지된다.", False),
        ("이 앱은 전화뿐만 아니라 태블릿도 지원한다.", "이 앱은 전화와 태블릿을 지원한다.", True),
    ],
)
def test_korean_denials_and_antonyms(passage: str, claim: str, supported: bool) -> None:
    assert (by(passage, claim) >= 0.5) is supported


@pytest.mark.parametrize(
    ("passage", "claim", "supported"),
    [
        ("제품의 출시일은 2024-05-03이다.", "출시일은 2024년 5월 3일입니다 [1].", True),
        ("제품의 출시일은 2024-05-03이다.", "출시일은 2024년 6월 3일입니다 [1].", False),
        ("Python was released on 20 February 1991.", "Python was released in 1991-02-20 [1].", True),
        ("Python was released on 20 February 1991.", "Python was released in 1991-03-20 [1].", False),
        ("Python was released on 1991-02-20.", "Python was released on 20 February 1991 [1].", True),
        ("Python was released on 1991-02-20.", "Python was released on 20 March 1991 [1].", False),
    ],
)
def test_dates_in_other_forms(passage: str, claim: str, supported: bool) -> None:
    assert (by(passage, claim) >= 0.5) is supported


@pytest.mark.parametrize(
    ("passage", "claim", "supported"),
    [
        ("The temperature is -5 degrees.", "The temperature is 5 degrees.", False),
        ("The temperature is 5 degrees.", "The temperature is \u22125 degrees.", False),
        ("The temperature is -5 degrees.", "The temperature is \u22125 degrees.", True),
        ("The temperature is -5 degrees.", "The temperature is minus 5 degrees.", True),
        ("서울의 기온은 -5도이다.", "서울의 기온은 5도이다.", False),
        ("서울의 기온은 영하 5도이다.", "서울의 기온은 -5도이다.", True),
        ("The delivery takes 5-7 days.", "The delivery takes 5 to 7 days.", True),
        ("| city | low |\n|---|---|\n| Seoul | -5 |", "The low of Seoul is -5.", True),
        ("| city | low |\n|---|---|\n| Seoul | -5 |", "The low of Seoul is 5.", False),
    ],
)
def test_numbers_have_a_sign(passage: str, claim: str, supported: bool) -> None:
    assert (by(passage, claim) >= 0.5) is supported


def test_a_dash_between_digits_is_no_sign() -> None:
    assert numbers("5-7 days, COVID-19 and 2024-05-03") == {"5", "7", "19", "2024", "3"}
    (low,) = leaves({"low": -5}, {})
    assert [score_leaf(low, [Evidence.of(1, f"The low is {n}.")], "") >= 0.5 for n in (-5, 5)] == [
        True,
        False,
    ]


def test_numbers_have_no_leading_zeros_and_are_no_names() -> None:
    assert numbers("05, 007 and 0.50") == {"5", "7", "0.50"}
    assert plain_number("0.50") == "0.5"
    assert names("값은 3.입니다, os.path 2.4 이다") == {"os.path"}


def test_small_numbers_of_a_json_answer_have_no_exponent() -> None:
    assert [leaf.value for leaf in leaves({"rate": 0.00001, "count": 3}, {})] == ["0.00001", "3"]
    evidence = [Evidence.of(1, "The decay factor is 0.00001.")]
    (rate,) = leaves({"decay_factor": 0.00001}, {})
    assert score_leaf(rate, evidence, "What is the decay factor?") >= 0.5


def test_a_number_of_another_subject_in_the_passage_is_not_support() -> None:
    passage = (
        "The Han bridge in Seoul was opened in 1917 after two years of work. "
        "The harbour of Busan was enlarged by the ministry of transport in 1974."
    )
    assert by(passage, "The Han bridge in Seoul was opened in 1917.") >= 0.5
    assert by(passage, "The Han bridge in Seoul was opened in 1974.") < 0.5
