"""Numbers, units and ordinals in digits or words, in English and Korean."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from septet_cache.domain.reading.model import Quantity
from septet_cache.domain.reading.word_table import table

_WORDS = table(
    """
    0: zero
    1: one
    2: two
    3: three
    4: four
    5: five
    6: six
    7: seven
    8: eight
    9: nine
    10: ten
    11: eleven
    12: twelve
    13: thirteen
    14: fourteen
    15: fifteen
    16: sixteen
    17: seventeen
    18: eighteen
    19: nineteen
    20: twenty
    30: thirty
    40: forty
    50: fifty
    60: sixty
    70: seventy
    80: eighty
    90: ninety
    12: dozen
    0.5: half
    """
)
_ORDINALS = table(
    """
    1: first
    2: second
    3: third
    4: fourth
    5: fifth
    6: sixth
    7: seventh
    8: eighth
    9: ninth
    10: tenth
    """
)
_SCALE_TABLE = """
    100: hundred
    1000: thousand k
    1000000: million mn
    1000000000: billion bn
    1000000000000: trillion
    100000: lakh lakhs
    10000000: crore crores
    10: 십
    100: 백
    1000: 천
    10000: 만
    100000000: 억
    1000000000000: 조
"""
_SCALES = {word: int(scale) for word, scale in table(_SCALE_TABLE).items()}
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
_KOREAN_WORDS = table(
    """
    1: 한 하나
    2: 두 둘
    3: 세 셋
    4: 네 넷
    5: 다섯
    6: 여섯
    7: 일곱
    8: 여덟
    9: 아홉
    10: 열
    1: 첫
    0.5: 반
    """
)
_COUNTERS = "개|명|번|살|마리|권|장|대|시간|달|주|잔|병|가지|사람|번째|째"
_KOREAN_COUNTED = re.compile(
    rf"(?<![가-힣])({'|'.join(_KOREAN_WORDS)})\s*({_COUNTERS})(?=[^가-힣]|$|[가-힣]?)"
)
_UNIT_ALTERNATIVES = "|".join(re.escape(u) for u in sorted(UNITS, key=len, reverse=True))
_NUMBER = re.compile(
    r"(?P<money>[$€£₹₩])?\s*(?<![A-Za-z0-9_.])(?P<value>\d+(?:[,.]\d+)*)(?P<ordinal>st|nd|rd|th|번째|째)?"
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
    """Return the quantities of a text in order; ``1,000``, ``1k`` and ``one thousand`` have the same value.

    The word "one" is usually a pronoun, so it counts only before a unit or scale.
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
    # A version number keeps its zeros: 3.1 and 3.10 are different versions.
    return f"{number.normalize():f}" if scale or "." not in plain else plain
