"""Estimates token counts without the model's tokenizer."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable

from septet_kit.text import CJK

_CJK = re.compile(f"[{CJK}]")

ASCII_CHARACTERS_PER_TOKEN = 3.5
TOKENS_PER_SYLLABLE = 2.9


def estimate_tokens(text: str) -> int:
    """Return an upper estimate of the tokens of ``text``.

    Byte-level BPE vocabularies with little Korean (SmolLM2, 49k) need 2.8 to 3.1 tokens for a Hangul syllable.
    Vocabularies of 100k and more need about one, so the estimate is too high for them.
    """
    return _estimate(len(text), len(_CJK.findall(text)))


def slice_estimator(text: str) -> Callable[[int, int], int]:
    """Return a function that estimates the tokens of ``text[start:end]`` without a new scan."""
    wide = [match.start() for match in _CJK.finditer(text)]
    return lambda start, end: _estimate(end - start, bisect_left(wide, end) - bisect_left(wide, start))


def _estimate(length: int, wide: int) -> int:
    return int((length - wide) / ASCII_CHARACTERS_PER_TOKEN + wide * TOKENS_PER_SYLLABLE) + 1
