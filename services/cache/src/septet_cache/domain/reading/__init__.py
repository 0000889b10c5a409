"""Question reading: terms, numbers, negations, question type and qualifiers of a text."""

from __future__ import annotations

import re

from septet_kit.text import has_hangul

from septet_cache.domain.normalise import clean
from septet_cache.domain.reading import english, korean
from septet_cache.domain.reading.model import Kind, Quantity, Reading, Term

__all__ = ["Kind", "Quantity", "Reading", "Term", "read"]

_LATIN = re.compile(r"[A-Za-z]")
_LETTER = re.compile(r"[^\W\d_]")
_LANGUAGES_LIKE_ENGLISH = frozenset({"en", None, ""})


def read(text: str, language: str | None = None) -> Reading | None:
    """Read a question; None if there is no reader for its language.

    The script decides: a text with Hangul is Korean. A text in Latin letters is English if ``language`` is English or
    unknown, or if the text has enough English function words.
    """
    text = clean(text)
    letters = len(_LETTER.findall(text))
    if not letters:
        return None
    if has_hangul(text):
        return korean.read(text)
    if len(_LATIN.findall(text)) < 0.9 * letters:
        return None
    if language in _LANGUAGES_LIKE_ENGLISH or english.looks_english(text):
        return english.read(text)
    return None
