"""Cleans up a model's text."""

from __future__ import annotations

import re

_TAG = re.compile(r"</?(?:passage|draft|question)\b[^>]*>\s*", re.IGNORECASE)


def without_tags(text: str) -> str:
    """Remove echoed prompt tags. The output rails cut repetitions and an unfinished end."""
    return _TAG.sub("", text).strip()
