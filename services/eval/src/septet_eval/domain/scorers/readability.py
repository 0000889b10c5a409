"""Readability of prose answers, 1 very easy to 0 very hard."""

from __future__ import annotations

import re

from septet_contracts import Score

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded
from septet_eval.domain.text import Sentence

_ENGLISH_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")
_SILENT = re.compile(r"(?:[^laeiouy]es|[^dt]ed|[^laeiouy]e)$")
_VOWELS = re.compile(r"[aeiouy]+")
_HANGUL_SYLLABLE = re.compile(r"[\uac00-\ud7a3]")
_LONG_EOJEOL = 5
_LIX_VERY_EASY, _LIX_VERY_HARD = 10.0, 70.0


def readability(case: Case) -> Score | None:
    """Flesch reading ease (English) or an adapted LIX (Korean), scaled to 0..1."""
    if case.structured or not case.sentences:
        return None
    if case.korean:
        lix = korean_lix(case.sentences)
        value = (_LIX_VERY_HARD - lix) / (_LIX_VERY_HARD - _LIX_VERY_EASY)
        explanation, scorer = f"adapted LIX {lix:.1f}", "readability/1 lix-ko"
    else:
        ease = flesch_reading_ease(case.sentences)
        if ease is None:
            return None
        value, explanation, scorer = ease / 100, f"Flesch reading ease {ease:.1f}", "readability/1 flesch"
    return Score(name="readability", value=rounded(value), explanation=explanation, scorer=scorer)


def flesch_reading_ease(sentences: list[Sentence]) -> float | None:
    """206.835 - 1.015 words/sentence - 84.6 syllables/word (Flesch 1948); None without English words.

    About 100 is very easy and 0 is very hard; extreme texts lie outside this range.
    """
    tokens = [w for s in sentences for w in _ENGLISH_WORD.findall(s.text)]
    if not tokens:
        return None
    syllables = sum(map(english_syllables, tokens))
    return 206.835 - 1.015 * len(tokens) / len(sentences) - 84.6 * syllables / len(tokens)


def english_syllables(word: str) -> int:
    """Number of vowel groups without a silent final e, the usual estimate without a pronouncing dictionary."""
    letters = word.lower()
    if len(letters) > 3:
        letters = _SILENT.sub("", letters)
    return max(1, len(_VOWELS.findall(letters)))


def korean_lix(sentences: list[Sentence]) -> float:
    """LIX (Björnsson 1968) on eojeol: eojeol per sentence, plus the percentage of long ones.

    A long eojeol has five syllables or more, where LIX counts words of more than six letters: a Hangul syllable has
    two or three letters, and particles and endings belong to the eojeol.
    """
    eojeol = [e for s in sentences for e in s.text.split()]
    if not eojeol:
        return 0.0
    long = sum(len(_HANGUL_SYLLABLE.findall(e)) >= _LONG_EOJEOL for e in eojeol)
    return len(eojeol) / len(sentences) + 100 * long / len(eojeol)
