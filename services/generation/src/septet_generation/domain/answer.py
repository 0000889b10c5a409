"""Cleans up a model's text."""

from __future__ import annotations

import re

_NAMES = r"</?(?:passage|draft|question)\b[^>]*"
_TAG = re.compile(rf"{_NAMES}>\s*", re.IGNORECASE)
_OPEN_TAG = re.compile(rf"{_NAMES}\Z", re.IGNORECASE)


def without_tags(text: str) -> str:
    """Remove echoed prompt tags. The output rails cut repetitions and an unfinished end."""
    return _TAG.sub("", text).strip()


def has_open_tag(text: str) -> bool:
    """Whether ``text`` ends inside a prompt tag."""
    return _OPEN_TAG.search(text) is not None
