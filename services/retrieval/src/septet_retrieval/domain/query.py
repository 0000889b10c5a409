"""Derives the search text from a request."""

from __future__ import annotations

import re
import unicodedata

from septet_contracts import Ask

from septet_retrieval.domain.analysis import analyze_question

ANALYZED_CHARACTERS = 8_192
"""Number of leading characters of a question that are analysed."""

_FEW_TERMS = 3
_HISTORY_CHARACTERS = 300
_FOREIGN_SHARE = 0.3
_MASKED = re.compile(r"<[A-Z_]{2,40}_\d{1,4}>")


def search_text(ask: Ask) -> str:
    """Return the question without placeholders of masked personal data, which documents do not contain.

    A very short follow-up ("and in Korea?") is searched together with the previous question.
    """
    question = _MASKED.sub(" ", ask.query)
    previous = [message.content for message in ask.history if message.role == "user"]
    if not previous or len(set(analyze_question(question[:ANALYZED_CHARACTERS]))) > _FEW_TERMS:
        return question
    return f"{previous[-1][-_HISTORY_CHARACTERS:]}\n{question}"


def is_latin(text: str) -> bool:
    """Whether at least 70 % of the letters are Latin.

    On short questions and names the script is more reliable than a language detector.
    """
    letters = [character for character in text[:ANALYZED_CHARACTERS] if character.isalpha()]
    foreign = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return foreign <= _FOREIGN_SHARE * len(letters)
