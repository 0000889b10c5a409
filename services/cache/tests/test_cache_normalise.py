"""Exact matching: normal forms, scopes and slots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_cache.domain.normalise import digest, normal_form
from septet_cache.domain.scope import Slot, scope_of, slot_of
from septet_contracts import Ask, CacheOptions, Message, RetrievalOptions


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("What is a deque?", "  what   is a DEQUE ??"),
        ("What’s a “deque”?", 'what\'s a "deque"'),
        ("Ｗｈａｔ is a deque？", "what is a deque"),
        ("deque란\u200b 무엇인가요?", "Deque란 무엇인가요"),
        ("파일을 어떻게 여나요？", "파일을  어떻게 여나요"),
        ("caf\u00e9?", "cafe\u0301"),
        ("Straße", "STRASSE"),
    ],
)
def test_invisible_differences_do_not_change_the_normal_form(left: str, right: str) -> None:
    assert normal_form(left) == normal_form(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("What is C?", "What is C++?"),
        ("안 먹어", "안먹어 왜"),
        ("3.1", "3.10"),
        ("?", "!"),
        ("not a b", "a b"),
    ],
)
def test_different_words_and_numbers_change_the_normal_form(left: str, right: str) -> None:
    assert normal_form(left) != normal_form(right)


@given(st.text())
def test_normal_form_is_idempotent(text: str) -> None:
    assert normal_form(normal_form(text)) == normal_form(text)


BASE = Ask(question="q")


@pytest.mark.parametrize(
    ("ask", "version"),
    [
        (BASE, "2"),
        (BASE.model_copy(update={"policy": "strict"}), "1"),
        (BASE.model_copy(update={"model": "large"}), "1"),
        (BASE.model_copy(update={"output_schema": {"type": "object"}}), "1"),
        (BASE.model_copy(update={"retrieval": RetrievalOptions(k=3)}), "1"),
        (BASE.model_copy(update={"retrieval": RetrievalOptions(mode="off")}), "1"),
        (BASE.model_copy(update={"generate": False}), "1"),
        (BASE.model_copy(update={"messages": (Message(role="user", content="before"),)}), "1"),
        (BASE.model_copy(update={"cache": CacheOptions(key="item-7")}), "1"),
    ],
)
def test_scope_depends_on_everything_that_an_answer_depends_on(ask: Ask, version: str) -> None:
    assert scope_of(ask, version) != scope_of(BASE, "1")


def test_scope_does_not_depend_on_streaming_and_reference() -> None:
    other = BASE.model_copy(update={"stream": True, "reference": "x", "cache": CacheOptions(use="refresh")})
    assert scope_of(other, "1") == scope_of(BASE, "1")


def test_slot_depends_on_the_key_instead_of_the_question() -> None:
    first = Ask(question="Describe it.", cache=CacheOptions(key="item-7"))
    second = Ask(question="What is it?", cache=CacheOptions(key="item-7"))
    other = Ask(question="Describe it.", cache=CacheOptions(key="item-8"))
    assert slot_of(first, "1") == slot_of(second, "1") != slot_of(other, "1")


def test_scope_depends_on_the_language() -> None:
    """A new prompt version revokes the answers of its scope, and each language has its own prompts."""
    assert scope_of(BASE, "1", "en") != scope_of(BASE, "1", "ko")


def test_question_that_looks_like_a_key_has_another_scope() -> None:
    asked = slot_of(Ask(question="key:item-7"), "1")
    keyed = slot_of(Ask(question="x", cache=CacheOptions(key="item-7")), "1")
    assert asked.scope != keyed.scope


def test_slot_name_can_be_parsed() -> None:
    slot = Slot(digest("a"), digest("b"))
    assert Slot.parse(slot.name) == slot
    assert Slot.parse(None) is None
    assert Slot.parse("0f3a") is None
