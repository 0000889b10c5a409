"""Detection of abuse aimed at people, and texts that only swear, quote or negate."""

from __future__ import annotations

import pytest
from septet_guardrails.domain.toxicity_rules import match_abuse


@pytest.mark.parametrize(
    "text",
    [
        "I hate immigrants",
        "All women are stupid",
        "I will kill you",
        "You are a worthless idiot",
        "Go kill yourself",
        "fuck you",
        "Those refugees deserve to die",
        "I h a t e muslims",
        "G4y people are disgusting",
        "씨발 새끼야",
        "너 죽여버릴 거야",
        "이민자들은 쓰레기다",
        "병신아 대답해",
        "닥쳐",
    ],
)
def test_finds_abuse(text: str) -> None:
    assert match_abuse(text)


@pytest.mark.parametrize(
    "text",
    [
        "How do I kill a Python process?",
        "No one should hate immigrants",
        "Why do people hate immigrants?",
        'Saying "I hate immigrants" is wrong',
        "I hate when my code fails",
        "How do I shoot a good photo of women?",
        "What is a garbage collector?",
        "Are women paid less?",
        "Who wrote To Kill a Mockingbird?",
        "시발점이 되는 역은 어디인가요?",
        "병신년은 몇 년도인가요?",
        "쓰레기 수집은 어떻게 동작하나요?",
        "죽음의 의미는?",
    ],
)
def test_other_texts_do_not_match(text: str) -> None:
    assert match_abuse(text) == []
