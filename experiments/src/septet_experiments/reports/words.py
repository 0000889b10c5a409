"""Word-level difference of two texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_WORDS = 1500
"""Longer texts are shown without marks: the comparison takes quadratic time in the worst case."""
_WORD = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True)
class Piece:
    """A run of words, and whether the other text lacks it."""

    text: str
    changed: bool = False


def word_difference(old: str, new: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces. The pieces of a text, joined, are that text. Nothing is marked if one text is empty."""
    if not old or not new:
        return [Piece(old)], [Piece(new)]
    before, after = _WORD.findall(old), _WORD.findall(new)
    if max(len(before), len(after)) > MAX_WORDS:
        return [Piece(old)], [Piece(new)]
    matcher = SequenceMatcher(
        None, [word.rstrip() for word in before], [word.rstrip() for word in after], autojunk=False
    )
    left: list[Piece] = []
    right: list[Piece] = []
    for operation, a, b, c, d in matcher.get_opcodes():
        changed = operation != "equal"
        if a < b:
            left.append(Piece("".join(before[a:b]), changed))
        if c < d:
            right.append(Piece("".join(after[c:d]), changed))
    return left, right
