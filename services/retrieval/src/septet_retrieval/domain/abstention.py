"""Text of an abstention, in the question's language."""

from __future__ import annotations

from collections.abc import Sequence

from septet_contracts import Passage
from septet_kit.text import has_hangul

_SHOWN = 3


def abstention(question: str, language: str | None, passages: Sequence[Passage]) -> str:
    """Return a text that the documents do not answer the question, with the titles of the closest ones."""
    korean = language == "ko" or has_hangul(question)
    named = list(dict.fromkeys(passage.title or passage.document_id for passage in passages))[:_SHOWN]
    titles = ", ".join(named)
    if korean:
        text = "문서에서 이 질문에 답할 근거를 찾지 못했습니다."
        return f"{text} 가장 가까운 자료: {titles}." if named else text
    text = "I cannot answer this from the documents."
    return f"{text} The nearest sources are: {titles}." if named else text
