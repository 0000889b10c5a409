"""Scores against known correct answers. With several references, the best score counts."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from septet_contracts import Score
from septet_kit.text import is_korean

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation + "。、，．！？「」『』《》〈〉“”‘’·…")
_ROUGE_TOKEN = re.compile(r"[a-z0-9]+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_MAX_TOKENS = 2000


def exact_match(case: Case) -> Score | None:
    """1 if the normalised answer equals a normalised reference."""
    return _best(
        case, "exact_match", lambda answer, truth: float(squad_normalise(answer) == squad_normalise(truth))
    )


def token_f1(case: Case) -> Score | None:
    """SQuAD's token F1 (Rajpurkar et al. 2016). For Korean it counts characters, as KorQuAD (Lim et al. 2019) does."""
    return _best(case, "token_f1", answer_f1)


def rouge_l(case: Case) -> Score | None:
    """ROUGE-L F-measure (Lin 2004), not stemmed; each Hangul syllable is a token."""
    return _best(case, "rouge_l", rouge_l_f)


def _best(case: Case, name: str, metric: Callable[[str, str], float]) -> Score | None:
    if not (case.answered and case.references):
        return None
    value = max(metric(case.plain_answer, reference) for reference in case.references)
    return Score(name=name, value=rounded(value), scorer=f"{name}/1")


def squad_normalise(text: str) -> str:
    """Lower case, no punctuation, no English articles, single spaces."""
    kept = "".join(c for c in unicodedata.normalize("NFC", text).lower() if c not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", kept).split())


def answer_f1(answer: str, reference: str) -> float:
    """F1 of the bags of words, or of characters when the reference is Korean."""
    korean = is_korean(reference)
    return bag_f1(_units(answer, characters=korean), _units(reference, characters=korean))


def bag_f1(got: Sequence[str], wanted: Sequence[str]) -> float:
    """F1 of two multisets; 1 for two empty ones."""
    if not got or not wanted:
        return float(not got and not wanted)
    common = sum((Counter(got) & Counter(wanted)).values())
    return 2 * common / (len(got) + len(wanted))


def _units(text: str, *, characters: bool) -> list[str]:
    normal = squad_normalise(text)
    return list(normal.replace(" ", "")) if characters else normal.split()


def rouge_l_f(answer: str, reference: str) -> float:
    """F-measure of the longest common subsequence; equal to the rouge-score package's on ASCII text."""
    got = _ROUGE_TOKEN.findall(answer.lower())[:_MAX_TOKENS]
    wanted = _ROUGE_TOKEN.findall(reference.lower())[:_MAX_TOKENS]
    if not got or not wanted:
        return 0.0
    return 2 * lcs_length(got, wanted) / (len(got) + len(wanted))


def lcs_length(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, bit-parallel (Hyyrö 2004): one big-integer step per token."""
    positions: dict[str, int] = {}
    for i, token in enumerate(a):
        positions[token] = positions.get(token, 0) | (1 << i)
    full = (1 << len(a)) - 1
    row = full
    for token in b:
        matched = row & positions.get(token, 0)
        row = ((row + matched) | (row - matched)) & full
    return len(a) - row.bit_count()
