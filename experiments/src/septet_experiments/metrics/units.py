"""Units in which texts are compared: words, and characters of Korean.

The definitions equal those of eval's scorers ``exact_match``, ``token_f1`` and ``rouge_l``; a test compares them.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation + "。、，．！？「」『』《》〈〉“”‘’·…")
_HANGUL = re.compile("[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]")
_LETTER = re.compile(r"[^\W\d_]")
_OVERLAP_TOKEN = re.compile("[a-z0-9]+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def is_korean(text: str) -> bool:
    """Whether a tenth of a text's letters are Hangul. Technical Korean contains many Latin names."""
    hangul = len(_HANGUL.findall(text))
    return hangul > 0 and hangul / len(_LETTER.findall(text)) >= 0.1


def squad_normalised(text: str) -> str:
    """Lower case, no punctuation, no English articles, single spaces (Rajpurkar et al. 2016)."""
    kept = "".join(c for c in unicodedata.normalize("NFC", text).lower() if c not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", kept).split())


def squad_units(text: str, *, characters: bool) -> list[str]:
    """Normalised words, or characters without spaces as KorQuAD counts them (Lim et al. 2019)."""
    normal = squad_normalised(text)
    return list(normal.replace(" ", "")) if characters else normal.split()


def bag_f1(got: Sequence[str], wanted: Sequence[str]) -> float:
    """F1 of two multisets; 1 for two empty ones."""
    if not got or not wanted:
        return float(not got and not wanted)
    common = sum((Counter(got) & Counter(wanted)).values())
    return 2 * common / (len(got) + len(wanted))


class OverlapTokenizer:
    """Tokens of ROUGE: runs of a-z and 0-9 as in rouge-score, and each Hangul, Kana or Han character."""

    def tokenize(self, text: str) -> list[str]:
        """The tokens of *text* in lower case."""
        return _OVERLAP_TOKEN.findall(unicodedata.normalize("NFC", text).lower())
