"""Base forms of English and Korean words."""

from __future__ import annotations

import pytest
from septet_kit.text.word_forms import korean_stem, lemma


@pytest.mark.parametrize(
    ("word", "base"),
    [
        ("running", "run"),
        ("policies", "policy"),
        ("children", "child"),
        ("team's", "team"),
        ("team’s", "team"),
        ("tokenizers", "tokenizer"),
        ("operation", "operation"),
        ("news", "news"),
        ("naïve", "naïve"),
        ("lru_cache", "lru_cache"),
        ("'s", ""),
        ("", ""),
    ],
)
def test_english_words_become_their_base_form(word: str, base: str) -> None:
    assert lemma(word) == base


def test_derived_words_stay_apart() -> None:
    assert lemma("operator") != lemma("operation")
    assert lemma("department") != lemma("depart")


def test_a_word_that_is_too_long_for_a_dictionary_is_unchanged() -> None:
    assert lemma("s" * 100_000) == "s" * 100_000


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("서울에서는", "서울"),
        ("값은", "값"),
        ("설치합니다", "설치"),
        ("수도이다", "수도"),
        ("바나나", "바나나"),
        ("은", ""),
        ("입니다", ""),
        ("", ""),
    ],
)
def test_korean_words_lose_particles_and_endings(word: str, stem: str) -> None:
    assert korean_stem(word) == stem


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("서울에서는", "서울"),
        ("가격이", "가격"),
        ("값은", "값"),
        ("집에서", "집"),
        ("수도이다", "수도"),
        ("올랐습니다", "올랐"),
        ("이어졌습니까", "이어졌"),
        ("설치하나요", "설치"),
        ("먹나요", "먹"),
        ("한국인가요", "한국"),
        *((noun, noun) for noun in ("회의", "결과", "평가", "사과", "사이", "제도", "인가", "가요")),
        ("회의가", "회의"),
        ("은", ""),
        ("입니다", ""),
        ("", ""),
    ],
)
def test_full_korean_stems_keep_nouns_and_lose_formal_endings(word: str, stem: str) -> None:
    assert korean_stem(word, full=True) == stem
