"""Numbers, units and ordinals, in digits or words, English and Korean."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from septet_cache.domain.reading.model import Quantity

_WORDS = {
    w: str(i)
    for i, w in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80",
     "ninety": "90", "dozen": "12", "half": "0.5"}  # fmt: skip
_ORDINALS = {
    w: str(i)
    for i, w in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"],
        start=1,
    )
}
_SCALES = {"hundred": 100, "thousand": 1000, "k": 1000, "million": 10**6, "mn": 10**6, "billion": 10**9,
           "bn": 10**9, "trillion": 10**12, "lakh": 10**5, "lakhs": 10**5, "crore": 10**7, "crores": 10**7,
           "십": 10, "백": 100, "천": 1000, "만": 10**4, "억": 10**8, "조": 10**12}  # fmt: skip
_UNIT_GROUPS = """
km kilometer kilometers kilometre kilometres 킬로미터
m meter meters metre metres 미터
cm centimeter centimeters 센티미터 센티
mm millimeter millimeters
mi mile miles 마일
ft foot feet 피트
inch inches 인치
kg kilogram kilograms kilo kilos 킬로 킬로그램
g gram grams 그램
mg milligram milligrams
lb lbs pound pounds 파운드
l liter liters litre litres 리터
ml milliliter milliliters 밀리리터
s sec secs second seconds 초
ms millisecond milliseconds
min mins minute minutes 분
h hr hrs hour hours 시간
o'clock 시
day days 일
week weeks 주 주일
month months 월 개월 달
year years yr yrs 년 연
% percent percentage 퍼센트 프로
usd dollar dollars $ 달러
eur euro euros € 유로
gbp £
krw won ₩ 원
inr rs rupee rupees ₹ 루피
gb gigabyte gigabytes 기가
mb megabyte megabytes 메가
kb kilobyte kilobytes
tb terabyte terabytes
bit bits 비트
byte bytes 바이트
°c celsius 섭씨
°f fahrenheit 화씨
개 个
명 인
번 회 차례
살 세
am a.m
pm p.m
"""
UNITS = {name: line.split()[0] for line in _UNIT_GROUPS.strip().splitlines() for name in line.split()}
_KOREAN_WORDS = {"한": "1", "하나": "1", "두": "2", "둘": "2", "세": "3", "셋": "3", "네": "4", "넷": "4", "다섯": "5",
                 "여섯": "6", "일곱": "7", "여덟": "8", "아홉": "9", "열": "10", "첫": "1", "반": "0.5"}  # fmt: skip
_COUNTERS = "개|명|번|살|마리|권|장|대|시간|달|주|잔|병|가지|사람|번째|째"
_KOREAN_COUNTED = re.compile(
    rf"(?<![가-힣])({'|'.join(_KOREAN_WORDS)})\s*({_COUNTERS})(?=[^가-힣]|$|[가-힣]?)"
)
_UNIT_ALTERNATIVES = "|".join(re.escape(u) for u in sorted(UNITS, key=len, reverse=True))
_NUMBER = re.compile(
    r"(?P<money>[$€£₹₩])?\s*(?<![\w.])(?P<value>\d+(?:[,.]\d+)*)(?P<ordinal>st|nd|rd|th|번째|째)?"
    rf"(?:\s*(?P<scale>{'|'.join(sorted((s for s in _SCALES if len(s) > 1 or s in 'k십백천만억조'), key=len, reverse=True))})(?![a-z]))?"
    rf"(?:[\s-]*(?P<unit>{_UNIT_ALTERNATIVES})(?![a-z]))?",
    re.IGNORECASE,
)
_WORD_NUMBER = re.compile(
    rf"\b(?P<value>{'|'.join([*_WORDS, *_ORDINALS])})\b"
    rf"(?:\s+(?P<scale>{'|'.join(s for s in _SCALES if s.isascii() and len(s) > 2)})\b)?"
    rf"(?:[\s-]+(?P<unit>{_UNIT_ALTERNATIVES})\b)?",
    re.IGNORECASE,
)


def quantities(text: str) -> tuple[Quantity, ...]:
    """All quantities of a text, in its order; ``1,000``, ``1k`` and ``one thousand`` are one value.

    The bare word "one" is a pronoun more often than a number, and counts only before a unit or scale.
    """
    found: list[tuple[int, Quantity]] = []
    for m in _NUMBER.finditer(text):
        unit = UNITS.get((m["unit"] or m["money"] or "").lower(), "")
        found.append((m.start(), Quantity(_value(m["value"], m["scale"]), "th" if m["ordinal"] else unit)))
    for m in _WORD_NUMBER.finditer(text):
        word = m["value"].lower()
        if word in {"one", "second"} and not (m["unit"] or m["scale"]):
            continue
        unit = UNITS.get((m["unit"] or "").lower(), "")
        value = _WORDS.get(word) or _ORDINALS[word]
        found.append((m.start(), Quantity(_value(value, m["scale"]), "th" if word in _ORDINALS else unit)))
    for m in _KOREAN_COUNTED.finditer(text):
        unit = "th" if m[2] in {"번째", "째"} else UNITS.get(m[2], m[2])
        found.append((m.start(), Quantity(_KOREAN_WORDS[m[1]], unit)))
    return tuple(q for _, q in sorted(found, key=lambda pair: pair[0]))


def _value(digits: str, scale: str | None) -> str:
    plain = digits.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits) else digits
    try:
        number = Decimal(plain) * _SCALES[scale.lower()] if scale else Decimal(plain)
    except InvalidOperation:
        return plain
    # A version number keeps its zeros: 3.1 and 3.10 are two versions.
    return f"{number.normalize():f}" if scale or "." not in plain else plain
