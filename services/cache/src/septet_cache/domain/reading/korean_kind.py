"""Types of Korean questions."""

from __future__ import annotations

import re

from septet_cache.domain.reading.model import Kind

_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("opinion", r"어떻게\s*생각|어떤\s*것\s*같|의견"),
    ("why", r"왜|이유|까닭|어째서"),
    ("how", r"어떻게|어떡|방법|방식|하는\s*법|려면|절차|어찌"),
    ("count", r"몇\s*(?:개|명|번|살|마리|권|장|대|가지|사람|회|곳|시간|km|kg|m\b)|얼마(?!나)|수는|개수|인구"),
    ("degree", r"얼마나|얼만큼|어느\s*정도|언제까지"),
    ("when", r"언제|몇\s*(?:시|년|월|일|세기)|며칠|어느\s*(?:해|날|시대)|무슨\s*요일|시기|연도"),
    ("where", r"어디|어느\s*(?:나라|곳|도시|지역)|위치"),
    ("who", r"누구|누가|누굴|누군|어느\s*사람"),
    ("recommend", r"추천"),
    (
        "what",
        r"무엇|무얼|뭐|뭘|뭔|무슨|어떤|어느|어떠|란\s*\??$|이란\s*\??$|란\?|의미|뜻|정의|차이|설명|대해",
    ),
    (
        "yes_no",
        r"(?:나요|까요?|니|냐|는가요?|ㄴ가요?|은가요?|인가요?|던가요?|[가-힣]지요?|죠|나|래|돼|돼요|될까)\s*\?*$",
    ),
)
_RULES = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)


def kind_of(text: str) -> Kind:
    """Return the type of a Korean question by its question word, else by its ending; ``open`` for a statement."""
    plain = text.strip().rstrip("?.!~ ")
    kind: Kind = "yes_no" if text.rstrip().endswith("?") else "open"
    return next((found for found, pattern in _RULES if pattern.search(plain)), kind)
