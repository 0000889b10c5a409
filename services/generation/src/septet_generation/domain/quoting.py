"""Texts as data in a prompt: they cannot open or close the prompt's own tags."""

from __future__ import annotations

import re

_MARK = re.compile(r"</?(passages?|draft|question)\b", re.IGNORECASE)


def as_data(text: str) -> str:
    """Neutralise the prompt's own tags in a text, so that the text cannot close the tag around it."""
    return _MARK.sub(lambda m: m.group().replace("<", "‹"), text)


def quoted(question: str) -> str:
    """Return a contained question between tags."""
    return f"<question>\n{as_data(question)}\n</question>"
