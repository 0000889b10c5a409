"""Scripts of a text: Hangul, and whether a text is Korean."""

from __future__ import annotations

import re

HANGUL = "\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f"
"""Syllables and letters of Hangul, for a character class of a pattern."""
CJK = HANGUL + "\u3040-\u30ff\u3400-\u9fff"
"""Hangul, Kana and Han."""

_HANGUL = re.compile(f"[{HANGUL}]")
_LETTER = re.compile(r"[^\W\d_]")


def has_hangul(text: str) -> bool:
    """Whether a text contains a Hangul character."""
    return _HANGUL.search(text) is not None


def hangul_share(text: str) -> float:
    """Return the share of a text's letters that are Hangul: 0 to 1, and 0 for a text without letters."""
    if text.isascii():
        return 0.0
    letters = len(_LETTER.findall(text))
    return len(_HANGUL.findall(text)) / letters if letters else 0.0


def is_korean(text: str) -> bool:
    """Whether a tenth of a text's letters are Hangul. Technical Korean contains many Latin names."""
    return hangul_share(text) >= 0.1
