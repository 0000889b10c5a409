"""Contradictions by negation and by antonyms, clause by clause."""

from __future__ import annotations

import re
from collections.abc import Iterator

from septet_kit.text.word_forms import lemma

from septet_guardrails.domain.grounding.claims import Reading, bigrams
from septet_guardrails.domain.text import cached_if_short

# Negated words that do not deny the clause: "not only", "constantly", "regardless".
_NOT_DENYING_KO = re.compile(
    r"뿐(?:만)?\s*(?:이|만)?\s*아니라|끊임없|관계없|상관없|틀림없|변함없|다름없|빠짐없|수없이"
)
_NEGATIONS_KO = re.compile(r"지\s*(?:않|못|말)|없|아니|아닌|아닙|안\s+[가-힣]|못\s*[하한했]|불가능|금지")
# "고 있다", "고 없다" and "고 싶다" are one predicate.
_CLAUSES_KO = re.compile(r"(?:(?<=[고며])|(?<=으나|지만|는데|은데))[\s,]+(?![있없싶])|,\s+")
# Each clause of one sentence is compared with each of the other; the last one has the rest.
_MAX_CLAUSES = 40
_LEAST_SHARED = 0.4
_ANTONYMS = """
increase/decrease rise/fall grow/shrink allow/forbid allow/prohibit permit/forbid accept/reject approve/reject
include/exclude enable/disable maximum/minimum highest/lowest high/low higher/lower large/small larger/smaller
big/small long/short longer/shorter early/late earlier/later older/younger free/paid open/closed begin/end start/end
start/stop win/lose won/lost success/failure succeed/fail support/oppose public/private required/optional
mandatory/optional north/south northern/southern east/west eastern/western left/right legal/illegal male/female
import/export buy/sell bought/sold upper/lower internal/external true/false best/worst hot/cold add/remove
join/leave agree/disagree appear/disappear connect/disconnect strong/weak fast/slow thick/thin wide/narrow
deep/shallow heavy/light cheap/expensive victory/defeat profit/loss first/last always/never most/least more/less
before/after above/below inside/outside born/died positive/negative visible/hidden plural/singular
"""
# "금지" and "불가능" count as negations.
_ANTONYMS_KO = """
증가/감소 늘어/줄어 늘었/줄었 늘린/줄인 상승/하락 높은/낮은 높다/낮다 높아/낮아 큰/작은 크다/작다 많은/적은 많다/적다
많이/적게 긴/짧은 길다/짧다 빠른/느린 빠르/느리 포함/제외 찬성/반대 성공/실패 승리/패배
시작/종료 개시/종료 최대/최소 최고/최저 최초/최후 무료/유료 공개/비공개 필수/선택 의무/선택 합법/불법 이전/이후 이상/이하
초과/미만 남쪽/북쪽 동쪽/서쪽 남부/북부 동부/서부 왼쪽/오른쪽 남성/여성 남자/여자 수입/수출 활성/비활성 연결/해제 설치/제거
추가/삭제 오전/오후 국내/해외 내부/외부 상위/하위 출생/사망 태어/사망 좋은/나쁜 강한/약한 넓은/좁은 깊은/얕은 무거운/가벼운
승인/거부 승인/거절 수락/거절 합격/불합격 흑자/적자 직접/간접 확대/축소 강화/약화 개방/폐쇄 열린/닫힌 켜진/꺼진 입금/출금
"""


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((one, other) for one, _, other in (pair.partition("/") for pair in text.split()))


_PAIRS = tuple((lemma(one), lemma(other)) for one, other in _pairs(_ANTONYMS))
_PAIRS_KO = _pairs(_ANTONYMS_KO)
_PRIVATIVES = ("un", "im", "in", "ir", "dis", "non")


def contradicts(claim: Reading, other: Reading, *, korean: bool, close: bool) -> bool:
    """Whether one sentence denies what the other states, or says the opposite of one word of it.

    ``close`` sentences share most of their words. Antonyms in other sentences often concern different things.
    """
    if korean:
        return _denies_korean(claim.text, other.text) != (
            close and _is_opposite_korean(claim.text, other.text)
        )
    opposite = list(_opposites(claim, other)) if close else []
    if opposite:
        # A denied antonym agrees: "not unavailable" and "available".
        return any((one in claim.denied) == (two in other.denied) for one, two in opposite)
    return bool((claim.denied ^ other.denied) & claim.bag & other.bag)


def _opposites(claim: Reading, other: Reading) -> Iterator[tuple[str, str]]:
    """Yield the antonyms of which each sentence has one."""
    mine, theirs = claim.stems - other.stems, other.stems - claim.stems
    for one, two in _PAIRS:
        if one in mine and two in theirs:
            yield one, two
        elif two in mine and one in theirs:
            yield two, one
    for prefix in _PRIVATIVES:
        yield from ((word, prefix + word) for word in mine if len(word) > 3 and prefix + word in theirs)
        yield from ((prefix + word, word) for word in theirs if len(word) > 3 and prefix + word in mine)


def _denies_korean(claim: str, other: str) -> bool:
    """Whether a clause is negated in one sentence only. Two negations cancel each other."""
    mine, theirs = _clauses(claim), _clauses(other)
    for pairs, negated in mine:
        shared, other_negated = max(
            ((len(pairs & held) / max(1, len(pairs)), is_negated) for held, is_negated in theirs),
            key=lambda found: found[0],
        )
        if shared >= _LEAST_SHARED and negated != other_negated:
            return True
        if shared < _LEAST_SHARED and negated:
            return sum(is_negated for _, is_negated in mine) != sum(is_negated for _, is_negated in theirs)
    return False


@cached_if_short(maxsize=1024)
def _clauses(text: str) -> tuple[tuple[frozenset[str], bool], ...]:
    """Return the character pairs of each clause of a Korean sentence, and whether it is negated."""
    plain = _NOT_DENYING_KO.sub(" ", text)
    parts = [part for part in _CLAUSES_KO.split(plain, _MAX_CLAUSES - 1) if part.strip()] or [plain]
    return tuple((bigrams(part), len(_NEGATIONS_KO.findall(part)) % 2 == 1) for part in parts)


def _is_opposite_korean(claim: str, other: str) -> bool:
    """Whether the sentences differ in a pair of antonyms: each has one word of the pair, and not the other."""
    mine, theirs = claim.split(), other.split()
    for pair in _PAIRS_KO:
        held = [
            tuple(any(word.startswith(part) for word in words) for part in pair) for words in (mine, theirs)
        ]
        if sorted(held) == [(False, True), (True, False)]:
            return True
    return False
