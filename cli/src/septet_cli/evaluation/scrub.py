"""Masks personal data in the texts of a case, with the recognisers of guardrails."""

from __future__ import annotations

from collections.abc import Iterable

from septet_guardrails.domain.pii import Masker, find_pii


class Scrubber:
    """Masks the texts of one case: equal values get the same placeholder.

    Args:
        texts: all texts of the case. Placeholders that guardrails put into them are kept.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._masker = Masker(list(texts))

    def __call__(self, text: str) -> str:
        """The text with placeholders such as ``<EMAIL_1>``."""
        return self._masker.mask(text, find_pii(text))

    @property
    def found(self) -> int:
        """Number of different values that were masked."""
        return sum(self._masker.counts.values())
