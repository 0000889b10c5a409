"""Sentence splitting, words and folding."""

from __future__ import annotations

import pytest
from septet_guardrails.domain.text import fold, split_sentences, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        (
            "Dr. Kim met J. Smith in the U.S. in 2020. He left.",
            ["Dr. Kim met J. Smith in the U.S. in 2020.", "He left."],
        ),
        ("Paris is the capital. [1] It is big [2].", ["Paris is the capital. [1]", "It is big [2]."]),
        ("Version 3.11 is out. Use it.", ["Version 3.11 is out.", "Use it."]),
        ("서울은 수도이다. 부산은 항구다.", ["서울은 수도이다.", "부산은 항구다."]),
        ("1. first item\n2. second item", ["first item", "second item"]),
        ("1) first item\n2) second item", ["first item", "second item"]),
        ("...", []),
        ("", []),
    ],
)
def test_splits_sentences(text: str, expected: list[str]) -> None:
    assert [s.text for s in split_sentences(text)] == expected


def test_offsets_select_the_sentence() -> None:
    text = "  First one.  Second one (really).\n\n- third"
    assert all(text[s.start : s.end] == s.text for s in split_sentences(text))
    assert len(split_sentences(text, limit=2)) == 2


def test_fold_reveals_hidden_text() -> None:
    assert fold("Ｉｇ\u200bnore\U000e0041 ALL") == "ignore all"


def test_words() -> None:
    assert words("Don't stop, 서울은 3.14") == ["don't", "stop", "서울은", "3.14"]
