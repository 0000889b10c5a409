"""Masking of personal data with typed placeholders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from septet_guardrails.domain.pii.recogniser import Span

PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*_[1-9][0-9]*>")
_EXACT = frozenset({"API_KEY"})
_PUNCTUATED = frozenset({"EMAIL", "IP_ADDRESS"})
_WORDED = frozenset({"PERSON", "ADDRESS", "LOCATION"})


class Masker:
    """Replaces spans with ``<ENTITY_n>``. Equal values get the same placeholder in all texts that it masks.

    Args:
        given: the request's texts. A placeholder that stands in one of them is not used for another value.
    """

    def __init__(self, given: Sequence[str] = ()) -> None:
        self._given = given
        self._placeholders: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.values: dict[str, str] = {}
        """First spelling of each value, by placeholder."""

    def mask(self, text: str, spans: Sequence[Span]) -> str:
        """Return ``text`` with its spans replaced; ``spans`` are ordered and do not overlap."""
        pieces: list[str] = []
        position = 0
        for span in spans:
            pieces += [
                text[position : span.start],
                self._placeholder(span.entity, text[span.start : span.end]),
            ]
            position = span.end
        return "".join([*pieces, text[position:]])

    @cached_property
    def _taken(self) -> frozenset[str]:
        return frozenset(found for text in self._given for found in PLACEHOLDER.findall(text))

    def _placeholder(self, entity: str, value: str) -> str:
        identity = (entity, _identity(entity, value))
        if identity not in self._placeholders:
            self.counts[entity] = self.counts.get(entity, 0) + 1
            self._placeholders[identity] = made = self._next(entity)
            self.values[made] = value
        return self._placeholders[identity]

    def _next(self, entity: str) -> str:
        while True:
            self._numbers[entity] = number = self._numbers.get(entity, 0) + 1
            if (made := f"<{entity}_{number}>") not in self._taken:
                return made


def normal_form(value: str) -> str:
    """Return the letters and digits of ``value`` in lower case, so that two spellings of it are equal."""
    return re.sub(r"[^\w@]|_", "", value).lower()


def _identity(entity: str, value: str) -> str:
    """Return what two spellings of one value share. Only the separators of numbers have no meaning."""
    if entity in _EXACT:
        return value
    if entity in _PUNCTUATED:
        return value.lower()
    if entity in _WORDED:
        return re.sub(r"\W+", " ", value).strip().lower()
    return normal_form(value)
