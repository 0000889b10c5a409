"""Normal form of a question: questions with equal normal forms are the same question."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# A regular expression holds the interpreter lock, so long texts are processed in pieces.
_PIECE = 8_192
_SPACES = re.compile(r"\s+")
_TRAILING = re.compile(r"[\s?!.,;:…~。？！、]+$")
_QUOTES = str.maketrans({"‘": "'", "’": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-"})
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


def clean(text: str) -> str:
    """Unify compatibility forms (NFKC), quotes, dashes and white space; remove invisible characters.

    Case and punctuation are kept, because the recognition of names needs them.
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
    """Return the key for exact matching: cleaned, case-folded, without trailing punctuation.

    Words are neither dropped nor stemmed, so equal normal forms have the same meaning. A text that consists of
    punctuation keeps it, so no question has an empty normal form.
    """
    folded = unicodedata.normalize("NFKC", clean(text).casefold())
    return _TRAILING.sub("", folded) or folded


def digest(text: str) -> str:
    """Return the first 128 bits of SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
