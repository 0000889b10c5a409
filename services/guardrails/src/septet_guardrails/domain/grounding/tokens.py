"""Tokens that are compared between a claim and a table: stems, plain numbers and units."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from septet_kit.text.word_forms import lemma

from septet_guardrails.domain.grounding.claims import (
    NUMBER_WORDS,
    SIGN,
    STOP_WORDS,
    is_particle,
    joined_thousands,
    signed,
    without_particle,
    without_zeros,
)
from septet_guardrails.domain.text import cached_if_short

_TOKEN = re.compile(rf"[$€£₩%]|{SIGN}\d+(?:[.,]\d+)*|[가-힣]+|[^\W\d_가-힣]+")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_CURRENCIES = {"$": "usd", "€": "eur", "£": "gbp", "₩": "krw"}
COMPARISONS = frozenset(
    [
        "before",
        "after",
        "since",
        "until",
        "than",
        "less",
        "more",
        "fewer",
        "most",
        "least",
        "under",
        "over",
        "above",
        "below",
        "within",
        "between",
        "except",
        "not",
        "no",
        "never",
        "nor",
        "neither",
        "only",
        "all",
        "every",
        "each",
        "both",
        "different",
        "same",
        "total",
        "average",
        "sum",
        "combined",
        "이전",
        "이후",
        "이상",
        "이하",
        "미만",
        "초과",
        "보다",
        "모두",
        "모든",
        "가장",
        "평균",
        "합계",
        "총",
        "않",
        "없",
        "아니",
    ]
)
"""Words that compare, count or deny: a single cell does not support them."""
_UNIT_WORDS = {
    "usd": "dollar dollars usd 달러",
    "eur": "euro euros eur 유로",
    "gbp": "pound pounds gbp 파운드",
    "krw": "won krw 원",
    "%": "percent % 퍼센트 프로",
    "mb": "mb megabyte megabytes 메가바이트",
    "gb": "gb gigabyte gigabytes 기가바이트 기가",
    "tb": "tb terabyte terabytes 테라바이트 테라",
    "minute": "minute minutes min mins 분",
    "hour": "hour hours hr hrs 시간",
    "day": "day days 일",
    "week": "week weeks 주",
    "month": "month months monthly 개월 월",
    "year": "year years yearly 년 연",
    "kg": "kg kilogram kilograms 킬로그램",
    "km": "km kilometre kilometres kilometer kilometers 킬로미터",
}
UNITS = {word: unit for unit, words in _UNIT_WORDS.items() for word in words.split()}
"""Unit of each word that names one."""

_MEASURE_WORDS = {
    "money": "usd eur gbp krw price cost fee amount revenue salary 가격 요금 비용 금액",
    "time": "minute hour day week month year duration period age 기간",
    "data": "mb gb tb storage size capacity memory 용량",
    "weight": "kg weight 무게 중량",
    "length": "km height length distance width 거리 길이 높이",
    "share": "% percent rate share 비율",
}


def plain_number(digits: str) -> str:
    """Return a number without thousands separators, leading zeros and trailing zeros of its fraction."""
    plain = digits.replace(",", "")
    if plain.count(".") == 1:
        plain = plain.rstrip("0").rstrip(".")
    return without_zeros(plain)


@cached_if_short(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """Return the content tokens of a text in order.

    Numbers and number words are plain digits, ordinals their number, units their symbol. A currency sign before an
    amount follows it. "235 , 000" is one number.
    """
    folded = unicodedata.normalize("NFKD", text.lower())
    plain = unicodedata.normalize("NFC", "".join(c for c in folded if not unicodedata.combining(c)))
    found: list[str] = []
    sign = ""
    for match in _TOKEN.finditer(joined_thousands(signed(plain))):
        word = match.group()
        if word in _CURRENCIES:
            sign = _CURRENCIES[word]
        elif word[-1].isdigit():
            found.extend((plain_number(word), sign) if sign else (plain_number(word),))
            sign = ""
        else:
            sign = ""
            if not (word in _ORDINALS and found and found[-1][-1].isdigit()):
                found.extend(_word(word))
    return tuple(found)


def _word(word: str) -> tuple[str, ...]:
    if word in UNITS:
        return (UNITS[word],)
    if word in NUMBER_WORDS:
        return (NUMBER_WORDS[word],)
    if word in COMPARISONS:
        return (word,)
    if word in STOP_WORDS:
        return ()
    if is_particle(word):
        return ()
    base = without_particle(word)
    if base != word:
        return (UNITS.get(base, base),)
    return (lemma(word),)


def amounts(text: str) -> Iterator[tuple[str, str]]:
    """Yield each number of a text with the unit after it, or with an empty one."""
    found = tokens(text)
    for at, token in enumerate(found):
        if token[-1].isdigit():
            after = found[at + 1] if at + 1 < len(found) else ""
            yield token, after if after in MEASURES else ""


MEASURES = {tokens(word)[0]: measure for measure, words in _MEASURE_WORDS.items() for word in words.split()}
"""Kind of quantity of each unit, and of each word that names a quantity."""
