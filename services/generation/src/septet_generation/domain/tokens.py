"""How long a text is for a model whose tokenizer is not at hand."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable

_HANGUL_AND_CJK = re.compile(r"[ᄀ-ᇿ぀-ヿ㄰-㆏一-鿿가-힣]")

ASCII_CHARACTERS_PER_TOKEN = 3.5
TOKENS_PER_SYLLABLE = 2.9


def estimate_tokens(text: str) -> int:
    """Upper estimate of the tokens of ``text``.

    Byte-level BPE vocabularies that saw little Korean (SmolLM2, 49k) spend 2.8 to 3.1 tokens on a Hangul
    syllable; vocabularies of 100k and more spend about one, so for them the estimate is on the safe side.
    """
    return _estimate(len(text), len(_HANGUL_AND_CJK.findall(text)))


def slice_estimator(text: str) -> Callable[[int, int], int]:
    """A function of character offsets that estimates the tokens of that slice of ``text`` without reading it again."""
    wide = [match.start() for match in _HANGUL_AND_CJK.finditer(text)]
    return lambda start, end: _estimate(end - start, bisect_left(wide, end) - bisect_left(wide, start))


def _estimate(length: int, wide: int) -> int:
    return int((length - wide) / ASCII_CHARACTERS_PER_TOKEN + wide * TOKENS_PER_SYLLABLE) + 1
