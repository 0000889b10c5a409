"""From a wish to what is searched for."""

from __future__ import annotations

import re
import unicodedata

from septet_contracts import Ask

from septet_retrieval.domain.analysis import analyze_question

READ = 8_192
"""Characters of a question that its kind is read from: a longer one is as clearly of that kind."""

_FEW_TERMS = 3
_HISTORY_CHARACTERS = 300
_FOREIGN_SHARE = 0.3
_MASKED = re.compile(r"<[A-Z_]{2,40}_\d{1,4}>")


def search_text(ask: Ask) -> str:
    """The question, without the placeholders of masked personal data, which no document holds.

    A very short follow-up ("and in Korea?") is preceded by the question before it.
    """
    question = _MASKED.sub(" ", ask.query)
    previous = [message.content for message in ask.history if message.role == "user"]
    if not previous or len(set(analyze_question(question[:READ]))) > _FEW_TERMS:
        return question
    return f"{previous[-1][-_HISTORY_CHARACTERS:]}\n{question}"


def is_latin(text: str) -> bool:
    """Whether the text is written in Latin letters for the most part.

    A language detector errs on short questions and names; the script does not.
    """
    letters = [character for character in text[:READ] if character.isalpha()]
    foreign = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return foreign <= _FOREIGN_SHARE * len(letters)
