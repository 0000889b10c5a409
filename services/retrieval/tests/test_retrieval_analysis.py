"""Terms of English, Korean and code."""

from __future__ import annotations

import pytest
from septet_contracts import Ask, Message
from septet_retrieval.domain.analysis import analyze, analyze_question, question_units
from septet_retrieval.domain.query import is_latin, search_text


def test_english_is_stemmed_and_loses_stop_words_and_possessives() -> None:
    assert analyze("The dog's running to the Cities.") == ["dog", "run", "citi"]


def test_korean_yields_bigrams_and_the_word_without_its_particle() -> None:
    terms = analyze("대한민국의 수도")
    assert {"대한", "한민", "민국", "국의", "대한민국", "수도"} <= set(terms)


def test_korean_questions_match_texts_across_particles() -> None:
    assert set(analyze_question("아시아는 얼마나 큰가요?")) & set(analyze("아시아에서 가장"))


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("functools.lru_cache", {"functool", "lru", "cach", "functools.lru_cach"}),
        ("OrderedDict", {"ordereddict", "order", "dict"}),
        ("HTTPServer", {"httpserver", "http", "server"}),
    ],
)
def test_identifiers_yield_themselves_and_their_parts(identifier: str, parts: set[str]) -> None:
    assert parts <= set(analyze(identifier))


def test_numbers_with_a_point_stay_whole() -> None:
    assert analyze("version 3.11") == ["version", "3.11"]


def test_full_width_letters_are_the_same_letters() -> None:
    assert analyze("ＡＰＩ") == analyze("API")


def test_question_words_are_left_out_unless_nothing_else_remains() -> None:
    assert analyze_question("What is a deque?") == ["dequ"]
    assert analyze_question("How do you do?") == analyze("How do you do?") != []


@pytest.mark.parametrize(
    "asked",
    ["가능한가요", "가능합니까", "가능할까요", "가능해요", "가능하나요", "가능했나요"],
)
def test_a_korean_question_counts_the_noun_of_its_verb(asked: str) -> None:
    assert question_units(f"환불이 {asked}?") == [frozenset({"환불"}), frozenset({"가능"})]


@pytest.mark.parametrize(
    ("question", "units"),
    [
        ("배송은 며칠이에요?", [{"배송"}]),
        ("매장은 어디예요?", [{"매장"}]),
        ("담당자가 가수예요?", [{"담당", "당자", "담당자"}, {"가수"}]),
        ("서울은 수도인가요?", [{"서울"}, {"수도"}]),
        ("가격이 비싼가요?", [{"가격"}]),
        ("배송이 지연되나요?", [{"배송"}, {"지연"}]),
        ("회원이 말하나요?", [{"회원"}, {"말하"}]),
    ],
)
def test_the_ending_of_a_korean_question_is_no_unit(question: str, units: list[set[str]]) -> None:
    assert question_units(question) == units


def test_a_search_keeps_the_terms_of_endings() -> None:
    assert analyze_question("환불이 가능한가요?") == analyze("환불이 가능한가요?")


def test_a_text_without_words_has_no_terms() -> None:
    assert analyze("?!… — ") == []


def test_is_latin_counts_letters() -> None:
    assert is_latin("Où est la gare? 42")
    assert is_latin("")
    assert not is_latin("한국의 수도는 어디인가요?")
    assert not is_latin("Python에서 데크는 어떻게 만드나요?")


def test_a_short_follow_up_is_searched_with_the_previous_question() -> None:
    before = [
        Message(role="user", content="What is a deque in collections?"),
        Message(role="assistant", content="…"),
    ]
    short = Ask(messages=(*before, Message(role="user", content="Is it thread safe?")))
    whole = Ask(
        messages=(*before, Message(role="user", content="How does subprocess capture standard error output?"))
    )
    assert search_text(short).startswith("What is a deque in collections?")
    assert search_text(whole) == whole.query
    assert search_text(Ask(question="And then?")) == "And then?"
