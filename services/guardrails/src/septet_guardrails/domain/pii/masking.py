"""Typed placeholders in place of personal data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from septet_guardrails.domain.pii.recognisers import Span


class Masker:
    """Replaces spans by ``<ENTITY_n>``; the same value gets the same placeholder in every text it masks."""

    def __init__(self) -> None:
        self._placeholders: dict[tuple[str, str], str] = {}
        self.counts: dict[str, int] = {}

    def mask(self, text: str, spans: Sequence[Span]) -> str:
        """Return ``text`` with ``spans`` (ordered, without overlaps) replaced."""
        pieces: list[str] = []
        position = 0
        for span in spans:
            pieces += [
                text[position : span.start],
                self._placeholder(span.entity, text[span.start : span.end]),
            ]
            position = span.end
        return "".join([*pieces, text[position:]])

    def _placeholder(self, entity: str, value: str) -> str:
        identity = (entity, normal_form(value))
        if identity not in self._placeholders:
            self.counts[entity] = self.counts.get(entity, 0) + 1
            self._placeholders[identity] = f"<{entity}_{self.counts[entity]}>"
        return self._placeholders[identity]


def normal_form(value: str) -> str:
    """Form in which two spellings of one value are equal: letters and digits only, lower case."""
    return re.sub(r"[^\w@]|_", "", value).lower()
