"""Expected answer type of a question, and whether a sentence holds one.

"When was Ada Lovelace born?" needs a date. A sentence about her childhood without a date does not answer it. The known types
are those with a form of their own: dates, quantities and, in English, names.
"""

from __future__ import annotations

import re
from typing import Literal

AnswerType = Literal["date", "quantity", "name"]

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan\.|Feb\.|Mar\.|Apr\.|Aug\.|Sept?\.|Oct\.|Nov\.|Dec\.)"
)
_NUMBER_WORD = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion"
    r"|dozen|single|once|twice|half|quarter|no|none)"
)
_NUMBER = r"\d+(?:[.,]\d+)*"
_COUNTED = r"(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|수십|수백)\s?(?:개|명|번|마리|권|장|대|가지|사람|곳|살|차례|종류)"

_ASKED: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    (
        "date",
        re.compile(
            r"\bwhen\b|\b(?:what|which)\s+(?:\w+\s+)?(?:year|date|day|month|century|decade|time)\b"
            r"|언제(?!나)|(?:몇\s*(?:년도?|월|일|시|세기)|며칠)(?!간|[가-힣]*\s*동안)|어느\s*(?:해|년도|시대)",
            re.IGNORECASE,
        ),
    ),
    (
        "quantity",
        re.compile(
            r"\bhow\s+(?:many|much|long|far|tall|old|big|large|high|deep|wide|heavy|fast|often|hot|cold)\b"
            r"|\b(?:what|which)\b.{0,30}\b(?:population|percentage|percent|number|height|length|size|area|distance"
            r"|speed|temperature|age|price|cost|weight|elevation|rate|limit|value)\b"
            r"|몇|며칠|얼마|인구|면적|높이|길이|넓이|무게|나이는|개수",
            re.IGNORECASE,
        ),
    ),
    ("name", re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)),
)
_HELD: dict[AnswerType, re.Pattern[str]] = {
    "date": re.compile(
        rf"\b(?:1\d{{3}}|20\d\d)s?\b|\b{_MONTH}\b|\b\d{{1,2}}(?:st|nd|rd|th)\b|\bcentur(?:y|ies)\b|\b\d+\s?(?:BCE?|AD|CE)\b"
        rf"|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|\byears? ago|{_NUMBER}\s*(?:년|월|일|세기|시)(?!간)|세기"
    ),
    "quantity": re.compile(rf"{_NUMBER}|\b{_NUMBER_WORD}\b|{_COUNTED}", re.IGNORECASE),
    "name": re.compile(r"(?<=[\w,;:(\"] )[A-Z][\w'’-]+|\A[A-Z][\w'’-]+ [A-Z][\w'’-]*"),
}


def expected_type(question: str) -> AnswerType | None:
    """Return the type of the answer, or ``None`` if the question's words do not determine it."""
    return next((kind for kind, pattern in _ASKED if pattern.search(question)), None)


def holds(kind: AnswerType, text: str, question: str) -> bool:
    """Whether ``text`` holds an expression of the type that is not in the question."""
    asked = question.casefold()
    return any(not _is_in(found.group().casefold(), asked) for found in _HELD[kind].finditer(text))


def _is_in(expression: str, asked: str) -> bool:
    """Whether the question has the expression as whole numbers and words: 230 is not in 2023, and ten not in often."""
    if expression not in asked:
        return False
    whole = rf"(?<![a-z\d])(?<!\d[.,]){re.escape(expression)}(?![a-z\d]|[.,]\d)"
    return re.search(whole, asked) is not None
