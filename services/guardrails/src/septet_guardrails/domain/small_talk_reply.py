"""Replies to small talk, in English and Korean. Each says what the documents are."""

from __future__ import annotations

from collections.abc import Mapping

from septet_guardrails.domain.policy import Language
from septet_guardrails.domain.small_talk import Kind

_CORPUS: Mapping[Language, str] = {"en": "the documents that I can search", "ko": "등록된 문서"}
_SMALL_TALK: Mapping[Kind, tuple[str, str]] = {
    "greeting": (
        "Hello! I answer questions about {corpus} and name my sources. What would you like to know?",
        "안녕하세요! {corpus}에 관한 질문에 출처와 함께 답해 드립니다. 무엇이 궁금하신가요?",
    ),
    "thanks": (
        "You are welcome! Ask me anything else about {corpus}.",
        "천만에요! {corpus}에 관해 더 궁금한 점이 있으면 물어봐 주세요.",
    ),
    "farewell": (
        "Goodbye! Come back when you have a question about {corpus}.",
        "안녕히 가세요! {corpus}에 관해 궁금한 점이 생기면 다시 찾아 주세요.",
    ),
    "ability": (
        "I answer questions about {corpus}. I search them, check each answer against what I find, and name the "
        "sources. If they hold no answer, I say so.",
        "{corpus}에 관한 질문에 답해 드립니다. 문서를 검색해 답을 확인하고 출처를 함께 알려 드리며, 문서에 답이 없으면 없다고 말씀드립니다.",
    ),
}


def small_talk_reply(kind: Kind, language: str | None, corpus: Mapping[Language, str]) -> str:
    """Return the reply to small talk; ``corpus`` says in each language what the documents are."""
    code: Language = "ko" if language == "ko" else "en"
    return _SMALL_TALK[kind][code == "ko"].format(corpus=corpus.get(code) or _CORPUS[code])
