"""Restoring: the inverse of masking, on an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from septet_guardrails.domain.pii.masking import PLACEHOLDER
from septet_guardrails.domain.text import is_within

# A browser may fetch such an address by itself. A text in a document could place a value in it and so receive it.
_ADDRESS = re.compile(r"""(?://|\bwww\.|\]\()\S*|=\s*["'][^"'\n]*""")


class Restoring:
    """Replaces placeholders by their values, except in addresses of links and attributes of HTML.

    ``used`` are the placeholders that were replaced.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.used: set[str] = set()

    def text(self, text: str) -> str:
        """Return ``text`` with its values. A value is not searched for placeholders."""
        addresses = [match.span() for match in _ADDRESS.finditer(text)]

        def put(match: re.Match[str]) -> str:
            placeholder = match.group()
            if placeholder not in self._values or is_within(match.start(), addresses):
                return placeholder
            self.used.add(placeholder)
            return self._values[placeholder]

        return PLACEHOLDER.sub(put, text)

    def json(self, value: Any) -> Any:
        """Return a JSON value with the values in its strings and keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.json(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.json(item) for item in value]
        return value
