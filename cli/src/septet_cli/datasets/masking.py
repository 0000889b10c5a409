"""Masks personal data in the texts of a row."""

from __future__ import annotations

from collections.abc import Sequence

from septet_cli.evaluation.scrub import Scrubber


def mask_texts(texts: Sequence[str]) -> tuple[str, ...]:
    """The texts with placeholders; equal values get the same one."""
    scrub = Scrubber(texts)
    return tuple(scrub(text) for text in texts)
