"""The normal form of a question: two questions with one normal form are the same question."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# One call over a long text would block all threads.
_PIECE = 8_192
_SPACES = re.compile(r"\s+")
_TRAILING = re.compile(r"[\s?!.,;:…~。？！、]+$")
_QUOTES = str.maketrans({"‘": "'", "’": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-"})
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


def clean(text: str) -> str:
    """Unify what readers do not see: compatibility forms (NFKC), quotes, dashes, invisible marks, spaces.

    Case and punctuation stay, because names are read from them.
    """
    pieces: list[str] = []
    for start in range(0, len(text), _PIECE):
        piece = _unified(text[start : start + _PIECE])
        if pieces and pieces[-1].endswith(" "):
            piece = piece.removeprefix(" ")
        if piece:
            pieces.append(piece)
    return "".join(pieces).strip()


def _unified(text: str) -> str:
    unified = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_QUOTES)
    return _SPACES.sub(" ", unified)


def normal_form(text: str) -> str:
    """Return the key of exact matching: cleaned, case-folded, without punctuation at its end.

    Words are never dropped or stemmed, so that equal normal forms always ask the same. A text of
    nothing but punctuation keeps it, so that no question has an empty normal form.
    """
    folded = unicodedata.normalize("NFKC", clean(text).casefold())
    return _TRAILING.sub("", folded) or folded


def digest(text: str) -> str:
    """First 128 bits of SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
