"""Normal form of Korean text that is spelled to escape word lists: jamo, inserted characters, spaced-out syllables."""

from __future__ import annotations

import re
import unicodedata

from septet_guardrails.domain.text import fold

# NFKC turns the letters that people type (U+3131 and following) into conjoining jamo.
_TYPED_JAMO = {
    ord(folded): chr(code)
    for code in range(0x3131, 0x318F)
    if len(folded := unicodedata.normalize("NFKC", chr(code))) == 1
}
_LOOKS_KOREAN = re.compile("[가-힣ㄱ-ㅣᄀ-ᇿ]")
_FINALS = {"ㄱ": 1, "ㄴ": 4, "ㄹ": 8, "ㅁ": 16, "ㅂ": 17, "ㅅ": 19, "ㅆ": 20, "ㅇ": 21, "ㅈ": 22, "ㅌ": 25}
# An open syllable and the consonant that ends it: "시바ㄹ".
_SPLIT_FINAL = re.compile(rf"([가-힣])([{''.join(_FINALS)}])(?![ㄱ-ㅣ])")
# Consonants that are typed between syllables: "병ㅅ신". Laughter separates words.
_STRAY = re.compile(r"(?<=[가-힣])[ㄱ-ㅅㅈ-ㅊㅌㅍ]{1,2}(?=[가-힣])")
_SPACED_JAMO = re.compile(r"(?<![ㄱ-ㅎ가-힣])([ㄱ-ㅎ]) (?=[ㄱ-ㅎ](?![ㄱ-ㅎ가-힣]))")
_REPEATED = re.compile(r"(.)\1{2,}", re.DOTALL)
_INSERTED = re.compile(r"(?<=[가-힣ㄱ-ㅎ])(?:[0-9*@~^_/\\;:`+=♡♥|#-]{1,3}|[0-9]?[.,·]{1,2})(?=[가-힣ㄱ-ㅎ])")
_SPACED = re.compile(r"(?<![^\s])(?:[가-힣ㄱ-ㅎ] ){2,}[가-힣ㄱ-ㅎ](?![^\s])")


def has_korean_letters(text: str) -> bool:
    """Whether a text contains a Korean letter or syllable, typed or conjoining."""
    return _LOOKS_KOREAN.search(text) is not None


def normalise_korean(text: str) -> str:
    """Fold a text, compose its letters, shorten repetitions, and join what is spelled out or interrupted."""
    plain = _REPEATED.sub(r"\1", fold(text).translate(_TYPED_JAMO)).replace("ㅄ", "ㅂㅅ")
    plain = _STRAY.sub("", _SPLIT_FINAL.sub(_compose, _SPACED_JAMO.sub(r"\1", plain)))
    return _SPACED.sub(lambda match: match.group().replace(" ", ""), _INSERTED.sub("", plain))


def _compose(match: re.Match[str]) -> str:
    syllable, final = match.groups()
    if (ord(syllable) - 0xAC00) % 28:
        return match.group()
    return chr(ord(syllable) + _FINALS[final])
