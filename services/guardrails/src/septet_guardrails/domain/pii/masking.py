"""Masking of personal data with typed placeholders."""

from __future__ import annotations

import re
from collections.abc import Sequence

from septet_guardrails.domain.pii.recogniser import Span


class Masker:
    """Replaces spans with ``<ENTITY_n>``. Equal values get the same placeholder in all texts that it masks."""

    def __init__(self) -> None:
        self._placeholders: dict[tuple[str, str], str] = {}
        self.counts: dict[str, int] = {}

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

    def _placeholder(self, entity: str, value: str) -> str:
        identity = (entity, normal_form(value))
        if identity not in self._placeholders:
            self.counts[entity] = self.counts.get(entity, 0) + 1
            self._placeholders[identity] = f"<{entity}_{self.counts[entity]}>"
        return self._placeholders[identity]


def normal_form(value: str) -> str:
    """Return the letters and digits of ``value`` in lower case, so that two spellings of it are equal."""
    return re.sub(r"[^\w@]|_", "", value).lower()
