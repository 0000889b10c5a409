"""Sentences, terms and citation markers, in English and Korean."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_eval.domain.text import coverage, numbers, sentences, terms, without_citations, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "A deque is a queue [1]. It is fast [2, 3].",
            [("A deque is a queue.", (1,)), ("It is fast.", (2, 3))],
        ),
        ("It is a queue. [1] It is fast. [2]", [("It is a queue.", (1,)), ("It is fast.", (2,))]),
        ("Use e.g. a list. Version 3.11 is fine.", [("Use e.g. a list.", ()), ("Version 3.11 is fine.", ())]),
        (
            "덱은 양쪽 끝을 쓰는 큐입니다 [1]. 빠릅니다[2].",
            [("덱은 양쪽 끝을 쓰는 큐입니다.", (1,)), ("빠릅니다.", (2,))],
        ),
        ('"A quote." [1]', [('"A quote."', (1,))]),
        ("one [1][1][2]", [("one", (1, 2))]),
        ("first\n\n- second", [("first", ()), ("- second", ())]),
        ("", []),
        ("...", []),
    ],
)
def test_sentences_keep_their_citations(text: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert [(s.text, s.cites) for s in sentences(text)] == expected


def test_terms_ignore_case_plurals_and_function_words() -> None:
    assert terms("The Queues are FAST") == terms("a fast queue") == {"queue", "fast"}


@pytest.mark.parametrize(
    ("one", "other"), [("파이썬의 리스트는", "파이썬에서 리스트를"), ("리스트입니다", "리스트인가요?")]
)
def test_korean_terms_match_despite_particles_and_endings(one: str, other: str) -> None:
    assert coverage(terms(one), terms(other)) == 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("가격이 올랐습니다", "비가 내렸습니다"),
        ("평가 결과", "평소 결의"),
        ("회의 효과", "회가 효도"),
    ],
)
def test_unrelated_korean_texts_share_no_terms(one: str, other: str) -> None:
    assert terms(one).isdisjoint(terms(other))


def test_terms_are_base_forms() -> None:
    assert coverage(terms("Who wrote it and stopped?"), terms("She writes and stops")) == 1.0


def test_a_korean_particle_after_a_latin_name_is_no_term() -> None:
    assert terms("Python은") == terms("Python을") == {"python"}


def test_korean_question_words_are_not_terms() -> None:
    assert terms("무엇인가요") == frozenset()


def test_words_are_split_at_a_change_of_script() -> None:
    assert words("Python은 3.11부터") == ["python", "은", "3", "11", "부터"]


def test_decomposed_hangul_equals_composed() -> None:
    assert terms(unicodedata.normalize("NFD", "데이터베이스")) == terms("데이터베이스")


def test_numbers_have_no_separators_and_citations() -> None:
    assert numbers("1,000 rows [2], 3.14 and 7.") == {"1000", "3.14", "7"}


@given(st.text(max_size=300))
def test_no_citation_marker_is_left_in_any_text(text: str) -> None:
    for sentence in sentences(text):
        assert without_citations(sentence.text) == sentence.text
    assert all(t for t in terms(text))


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=80))
def test_words_of_ascii_text_equal_those_of_the_general_pattern(text: str) -> None:
    assert words(text) == words(f"{text} 가")[:-1]
