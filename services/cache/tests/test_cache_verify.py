"""Near-identical questions that ask different things, and different words that ask the same."""

from __future__ import annotations

import pytest
from septet_cache.domain.reading import read
from septet_cache.domain.verify import align, run_checks


def failed(left: str, right: str) -> set[str]:
    a, b = read(left, None), read(right, None)
    assert a is not None
    assert b is not None
    return {c.name for c in run_checks(align(a, b)) if not c.passed}


DIFFERENT = [
    ("entities", "How do I install Django on Linux?", "How do I install Flask on Linux?"),
    ("entities", "What does json.dumps return?", "What does json.loads return?"),
    ("entities", "What are people like at LDR Global?", "What are people like at Joy Global?"),
    ("numbers", "How do I print a float with 2 decimals?", "How do I print a float with 3 decimals?"),
    ("numbers", "What is new in Python 3.10?", "What is new in Python 3.1?"),
    ("numbers", "Who won the world cup in 2014?", "Who won the world cup in 2018?"),
    ("numbers", "How long is 5 km?", "How long is 5 miles?"),
    ("numbers", "Who was the first president?", "Who was the third president?"),
    ("negation", "Why does my code compile?", "Why does my code not compile?"),
    ("negation", "Which list methods return a value?", "Which list methods don't return a value?"),
    ("negation", "Can I run it with a password?", "Can I run it without a password?"),
    ("direction", "What is the maximum of a list?", "What is the minimum of a list?"),
    ("direction", "How do I encode a string?", "How do I decode a string?"),
    ("direction", "What should I do before the interview?", "What should I do after the interview?"),
    ("direction", "How do I open a file?", "How do I close a file?"),
    ("direction", "Is it legal to record calls?", "Is it illegal to record calls?"),
    ("order", "How do I convert a list to a tuple?", "How do I convert a tuple to a list?"),
    ("order", "How do I fly from Seoul to Busan?", "How do I fly from Busan to Seoul?"),
    ("order", "Is Python faster than Java?", "Is Java faster than Python?"),
    ("order", "Did Brutus kill Caesar?", "Did Caesar kill Brutus?"),
    ("question_type", "When was Python released?", "Why was Python released?"),
    ("question_type", "How many threads does it start?", "How does it start threads?"),
    ("question_type", "Is sex fun?", "Why is sex fun?"),
    ("qualifiers", "Do I end my relationship today?", "Do I end my relationship tomorrow?"),
    ("qualifiers", "Should I quit my job?", "Can I quit my job?"),
    ("content", "How do I sort a list?", "How do I reverse a list?"),
    (
        "content",
        "What are applications of linear algebra in genetics?",
        "What are some applications of linear algebra?",
    ),
    ("negation", "파일을 삭제하면 복구할 수 있나요?", "파일을 삭제하면 복구할 수 없나요?"),
    ("negation", "이 함수는 왜 동작해?", "이 함수는 왜 동작하지 않아?"),
    ("numbers", "리스트에서 앞의 3개를 꺼내는 방법은?", "리스트에서 앞의 5개를 꺼내는 방법은?"),
    ("numbers", "두 번 실행하려면 어떻게 해?", "세 번 실행하려면 어떻게 해?"),
    ("order", "서울에서 부산까지 얼마나 걸려?", "부산에서 서울까지 얼마나 걸려?"),
    ("order", "리스트를 튜플로 변환하는 방법은?", "튜플을 리스트로 변환하는 방법은?"),
    ("direction", "문자열을 인코딩하는 방법은?", "문자열을 디코딩하는 방법은?"),
    ("direction", "시험 이전에 무엇을 해야 해?", "시험 이후에 무엇을 해야 해?"),
    ("question_type", "파이썬은 언제 만들어졌어?", "파이썬은 왜 만들어졌어?"),
    ("content", "사과를 보관하는 방법은?", "배추를 보관하는 방법은?"),
    ("entities", "json.loads는 무엇을 반환해?", "json.dumps는 무엇을 반환해?"),
    ("language", "What is a deque?", "deque란 무엇인가요?"),
]

SAME = [
    ("How do I sort a list in Python?", "In Python, how can I sort a list?"),
    ("What is the best way to learn Python?", "How do I learn Python?"),
    ("What is a deque?", "what is the deque"),
    (
        "What's the difference between a list and a tuple?",
        "What is the difference between a tuple and a list?",
    ),
    ("How can I delete a file?", "How do I remove a file?"),
    ("Why can't I open the door?", "Why can I not open the door?"),
    ("What is 1,000 dollars in euros?", "What is $1000 in euros?"),
    ("Can you tell me how to reverse a string?", "How do I reverse a string?"),
    ("How is the colour of a pixel stored?", "How is the color of a pixel stored?"),
    ("리스트를 정렬하는 방법은?", "리스트를 어떻게 정렬하나요?"),
    ("파일을 삭제하려면 어떻게 해야 하나요?", "파일을 삭제하는 방법이 뭐예요?"),
    ("deque란 무엇인가요?", "deque는 뭐야?"),
    ("서울에서 부산까지 기차로 얼마나 걸려요?", "기차로 서울에서 부산까지 얼마나 걸리나요?"),
]


@pytest.mark.parametrize(("check", "left", "right"), DIFFERENT)
def test_a_difference_is_found_by_the_check_that_is_there_for_it(check: str, left: str, right: str) -> None:
    assert check in failed(left, right)
    assert check in failed(right, left)


@pytest.mark.parametrize(("left", "right"), SAME)
def test_other_words_for_the_same_pass(left: str, right: str) -> None:
    assert failed(left, right) == set()
    assert failed(right, left) == set()


@pytest.mark.parametrize("text", [t for _, a, b in DIFFERENT for t in (a, b)])
def test_every_question_passes_against_itself(text: str) -> None:
    assert failed(text, text) == set()


@pytest.mark.parametrize(
    ("text", "language"),
    [("Was ist ein Stapel?", "de"), ("デックとは何ですか", "ja"), ("12 + 30 = ?", None), ("", None)],
)
def test_a_language_without_a_reader_is_not_read(text: str, language: str | None) -> None:
    assert read(text, language) is None
