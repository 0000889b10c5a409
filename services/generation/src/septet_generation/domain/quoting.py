"""Texts as data in a prompt: they cannot open or close the prompt's own tags."""

from __future__ import annotations

import re


def _in_both_widths(name: str) -> str:
    """Return a pattern for a name with each letter in ASCII or fullwidth."""
    return "".join(f"[{c}{chr(ord(c) + 0xFEE0)}]" if c.isalpha() else c for c in name)


_NAMES = "|".join(map(_in_both_widths, ("passages?", "draft", "question")))
# A model may read other brackets, slashes, letters and gaps as those of a tag. The gap holds no "<", so each
# character is read a bounded number of times.
_MARK = re.compile(
    rf"[<＜﹤](?=[\s/／⁄∕\\\u00ad\u200b-\u200f\u2060\ufeff]*(?:{_NAMES})(?![a-zａ-ｚ0-9_]))",
    re.IGNORECASE,
)


def as_data(text: str) -> str:
    """Neutralise the prompt's own tags in a text, so that the text cannot close the tag around it."""
    return _MARK.sub("‹", text)


def quoted(question: str) -> str:
    """Return a contained question between tags."""
    return f"<question>\n{as_data(question)}\n</question>"
