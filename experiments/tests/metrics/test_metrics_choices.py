"""The option that an answer names, and accuracy."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_experiments.errors import NotComputable
from septet_experiments.metrics.choices import CIRCLED, LETTERS, chosen

from .support import observed, one

CITIES = ("London", "Paris", "New York", "York")
KOREAN = ("부산", "서울", "대구", "제주도")


@pytest.mark.parametrize(
    "answer",
    [
        "B",
        "b",
        "(B)",
        "B.",
        "**B**",
        "B) Paris",
        "B. Paris is the capital of France.",
        "(B) Paris",
        "The answer is B.",
        "The answer is (B).",
        "The correct answer is: **B**",
        "Answer: B",
        "answer: b",
        "Answer: (B) Paris",
        "The answer is B because Paris is the capital.",
        "I would choose option B.",
        "Option B is correct.",
        "London (A) is in England, so the answer is (B).",
        "At first the answer is A? No. The answer is B.",
        "B is the correct answer.",
        '"answer": "B"',
        "2",
        "②",
        "Paris",
        "The answer is Paris.",
        "It is paris!",
        "The capital is Paris, a large city.",
        "B, because Paris is the capital.",
        "B because it is.",
        "I'd go with B.",
        "The answer is $\\boxed{B}$.",
        "$\\boxed{\\text{B}}$",
        "정답은 다음과 같습니다: ②",
        "정답: B",
        "정답은 B입니다.",
        "정답은 (B)입니다.",
        "답은 2번입니다.",
        "정답: ②",
        "정답은 ②번입니다.",
        "② 파리",
        "2번",
        "B가 정답입니다.",
        "②가 정답입니다.",
        "정답은 A가 아니라, 정답은 B이다.",
    ],
)
def test_names_the_second_option(answer: str) -> None:
    assert chosen(answer, CITIES) == 1


@pytest.mark.parametrize(
    ("answer", "index"),
    [
        ("서울", 1),
        ("서울입니다.", 1),
        ("정답은 서울입니다.", 1),
        ("대한민국의 수도는 서울이다.", 1),
        ("정답: ③", 2),
        ("④ 제주도", 3),
        ("(3) 대구", 2),
        ("정답은 1번 부산입니다.", 0),
    ],
)
def test_names_a_korean_option(answer: str, index: int) -> None:
    assert chosen(answer, KOREAN) == index


def test_a_longer_option_wins_over_one_inside_it() -> None:
    assert chosen("It is New York.", CITIES) == 2
    assert chosen("It is York.", CITIES) == 3


def test_numbers_are_texts_where_options_are_numbers() -> None:
    assert chosen("The answer is 3", ("2", "3", "4", "5")) == 1
    assert chosen("B", ("2", "3", "4", "5")) == 1
    assert chosen("정답: ②", ("2", "3", "4", "5")) == 1
    assert chosen("2.5", ("1.5", "2.5")) == 1


def test_an_article_or_a_number_in_a_sentence_is_no_label() -> None:
    options = ("a stack", "a queue", "a tree")
    assert chosen("A queue is used here.", options) == 1
    assert chosen("The answer is a tree.", options) == 2
    with pytest.raises(NotComputable, match="no option"):
        chosen("Answer: A deque of 2 items.", options)
    with pytest.raises(NotComputable, match="no option"):
        chosen("The answer is 2.5", options)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I do not know.", "no option"),
        ("", "no option"),
        ("A or B", "no option"),
        ("London or Paris", "several options: A, B"),
        ("(A) or (C)", "several options: A, C"),
        ("②, ③", "several options: B, C"),
        ("The answer is A and B.", "no option"),
        ("The answer is A, B or C.", "no option"),
        ("정답은 A 또는 B입니다.", "no option"),
        ("Both A and B", "no option"),
        ("A. London\nB. Paris", "several options: A, B"),
        ("정답은 B가 아닙니다.", "no option"),
        ("E", "no option"),
    ],
)
def test_an_answer_without_one_option_has_no_value(answer: str, reason: str) -> None:
    with pytest.raises(NotComputable, match=reason):
        chosen(answer, CITIES)


@given(st.integers(2, 26), st.data())
def test_each_label_names_its_option(count: int, data: st.DataObject) -> None:
    options = tuple(f"option text {LETTERS[i] * 3}" for i in range(count))
    index = data.draw(st.integers(0, min(count, 20) - 1))
    for label in (LETTERS[index], f"({LETTERS[index]})", str(index + 1), CIRCLED[index]):
        for answer in (label, f"Answer: {label}", f"정답: {label}", f"정답은 {label}입니다."):
            assert chosen(answer, options) == index, answer


@given(st.text(max_size=60), st.lists(st.text(max_size=10), min_size=2, max_size=30))
def test_any_answer_names_an_option_or_has_no_value(answer: str, options: list[str]) -> None:
    with suppress(NotComputable):
        assert 0 <= chosen(answer, options) < len(options)


@pytest.mark.parametrize(
    "unit", ["answer ", 'answer"', "(", "A) ", "정답 ", "A or ", "\n", " ", "답은 B가 ", "1", "_*"]
)
def test_time_is_linear_in_the_answer(unit: str) -> None:
    # Quadratic patterns would take minutes.
    with suppress(NotComputable):
        chosen(f"answer{unit * 20_000}?", ("red stone", "blue stone"))


def test_accuracy() -> None:
    metric = one("multiple_choice")
    case = {"choices": CITIES, "answer_index": 1}
    assert metric.value(observed("정답: ②", case=case)) == 1.0
    assert metric.value(observed("(A)", case=case)) == 0.0
    assert metric.value(observed("B [1]", case=case)) == 1.0
    assert metric.value(observed("No answer was found.", case=case, status="abstained")) == 0.0
    with pytest.raises(NotComputable, match="names no option"):
        metric.value(observed("I think so.", case=case))
    with pytest.raises(NotComputable, match="no `choices`"):
        metric.value(observed("B"))
