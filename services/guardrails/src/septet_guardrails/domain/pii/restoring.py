"""Restoring: the inverse of masking, on an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from unicodedata import normalize

from septet_guardrails.domain.pii.masking import PLACEHOLDER

_VALUE = "\ue000"
"""Stands for a placeholder in a text that is searched for addresses."""
# The extent of an address depends on the program that shows the answer, so a single form anywhere is enough.
# Each pattern reads a character a bounded number of times.
_ADDRESS = re.compile(
    r"""
    \][(:]                                           # Markdown: a link or the definition of one
    | <[a-z/!?\ue000]                                # HTML, or an address between angle brackets
    | [/\\]{2} | www\.
    | (?<![a-z])(?:https?|ftp|wss?)\s*:               # a scheme that browsers fetch, whatever follows
    | (?<![a-z])(?:data|blob|file|javascript|vbscript):\S
    | [a-z][0-9+.\-]*:[\w/\\@%.?\#\[&=+~\ue000]       # another scheme, but not "**Name:** value"
    | [\w\-]\.[^\W\d_][\w\-]+\.?(?:[/\\]|[?\#:]\S)    # a host with a path, a query or a port
    | \d\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:[/\\]|[?\#:]\S)
    | \ue000[\w\-]*\.\w | \ue000[\w.+\-]*@ | @[\w.+\-]*\ue000  # a value in the name of a host or mailbox
    """,
    re.IGNORECASE | re.VERBOSE,
)


def has_address(text: str) -> bool:
    """Whether a text contains a link, markup or an address, in any form that a program could fetch or make a link of.

    Entities and compatibility characters such as fullwidth letters are read as the characters they stand for.
    """
    plain = PLACEHOLDER.sub(_VALUE, text)
    return any(map(_ADDRESS.search, (plain, normalize("NFKC", unescape(plain)))))


class Restoring:
    """Replaces placeholders by their values.

    Attributes:
        used: the placeholders that were replaced.
        has_address: whether one of the texts contains a link, markup or an address. Do not show the values then: a
            document could have had the model put a value into an address, and a browser may fetch it unasked.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.used: set[str] = set()
        self.has_address = False

    def text(self, text: str) -> str:
        """Return ``text`` with its values. A value is not searched for placeholders."""
        self.has_address = self.has_address or has_address(text)

        def put(match: re.Match[str]) -> str:
            placeholder = match.group()
            if placeholder not in self._values:
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
