"""Rules that find abuse in normalised Korean text.

Swear words, slurs, threats and dehumanising phrases count alone. A group counts with a predicate about it in the same
sentence. A match that is quoted, mentioned, reported or denied does not count. Neither does a
threat to a thing or an animal.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile
from typing import Protocol

from septet_guardrails.domain.korean_abuse.lexicon import Lexicon, lexicon
from septet_guardrails.domain.korean_abuse.normal import has_korean_letters, normalise_korean
from septet_guardrails.domain.text import windows

# Most characters of a sentence whose other words count for a match.
_REACH = 200
# Most characters between a group and a predicate: after a plural or a particle, before a mild predicate, and otherwise.
_FAR, _NEAR, _BARE = 18, 12, 2
# Most characters between a thing and a threat that is about it, with the thing.
_BESIDE = 14
_SPACE = re.compile(r"\s")
_OPENING = frozenset("\"'“‘「『")
# Kinds that do not count if the author is their subject.
_OF_OTHERS = ("abuse_ko", "derogation_ko")

_END = re.compile(r"[.!?\n…]+")
# A quotation does not contain its opening sign: a search that starts at each of many signs stays linear.
_QUOTED = re.compile(
    r"\"[^\"\n]{1,200}\"|“[^“”\n]{1,200}”|(?<!\w)'[^'\n]{1,200}'|‘[^‘’\n]{1,200}’|「[^「」\n]{1,200}」|『[^『』\n]{1,200}』|《[^《》\n]{1,200}》|<[^<>\n]{1,60}>"
)
_WORD = r"(?:말(?!고|했(?:지(?!만)|잖))|단어|낱말|표현(?!의\s?자유)|용어|명칭|별명|호칭|욕설?|속어|비속어|은어|멸칭|초성|유행어|속담|이름|글|댓글|소리|주장|인식|생각|편견|논리|이론|믿음|속설|비판|발언|대사|가사|장면|뜻|의미|이유|사람)"
_TERM = r"(?:단어|낱말|표현(?!의\s?자유)|용어|욕설|속어|비속어|은어|멸칭|초성|유행어)"
_DENIED = r"(?:이|가|은|는)?\s?아니(?:다|라|에요|예요|야)"
_TOLD = (
    rf"(?:(?:라|다|냐|자)(?:고|는|며|던)\s?(?:{_WORD}|하|해|한(?!다)|했(?!지(?!만)|잖|다(?![가-힣]))|부르|불러|불리|불렀|쓰|써|놀)"
    rf"|이?란\s?{_WORD}|{_DENIED})"
)
_NOUN = r"(?:같은\s)?(?:새끼|놈|년|것|자식|인간|사람|종자|족속)들?[이은는도]?"
# What may follow a match that is mentioned, reported or denied: "벌레라고 부르다", "틀딱이란 말", "벌레가 아니다".
_REPORTED = re.compile(rf"[^.!?,]{{0,6}}?{_TOLD}")
# The same after a swear word. It is only reported if the reported phrase ends with it: "병신 새끼라고 부르다", and not
# "씨발 꺼지라고 말하다".
_SWORN = re.compile(rf"[^\s.!?,]{{0,6}}?(?:\s{_NOUN})?{_TOLD}")
# A person tells what was said to the author: "저한테 씨발 꺼지라고 했어요".
_TO_AUTHOR = re.compile(r"(?<![가-힣])(?:나|저|우리|저희)(?:한테|에게|보고|더러|를)\s")
_SAID = re.compile(
    r"(?!(?:새끼|놈|년)?[아야](?![가-힣]))[^.!?,]{0,12}?(?:라|다|냐|자)고\s?(?:말?하|말?해|말?했|말?한|부르|불러|불렀|욕)"
)
# The author states an opinion of somebody: "네가 병신이라고 생각해".
_STATED = re.compile(
    r"[^\s.!?,]{0,6}?(?:라|다)고\s?(?:말?했(?:지(?!만)|잖|다)|말?한다|말하고\s?싶|생각(?:해|한다|함|합니다)(?!\S*\?)|본다|봐|느껴)"
)
# What may follow a word that a sentence is about: "틀딱 뜻", "병신의 어원", "짱깨는 비하 표현이다", "ㅅㅂ, ㅂㅅ 같은 초성".
_ABOUT = re.compile(
    r"(?:충|들)?[\"'”’」』]?"
    r"(?:의\s?(?:뜻|의미|어원|유래)|[이가은는]?\s?(?:무슨|어떤)\s?(?:뜻|의미|말)|\s(?:뜻|어원|유래)[은이을도]?(?=\s*(?:\W*$|뭐|무엇|좀|알려|설명|궁금|찾|가르))"
    rf"|[은는이가]\s(?:비하|혐오|차별|비속)\s?{_WORD}|[은는이가]\s(?:멸칭|비속어|속어|욕설?)[이인일입]"
    rf"|(?:,\s?\S{{1,6}}){{0,3}}\s?같은\s(?:\S{{1,6}}\s){{0,2}}{_TERM}|[을를]\s?(?:필터|검열|영어로|금칙어|번역)|이?\s?나오는\s?(?:가사|대사|소설|장면|고전))"
)
# A quotation in a sentence about words.
_NAMED = re.compile(
    rf"[\"'”’」』](?:\s?이?라는|\s?이?란|[은는이가을를도의])?\s[^.!?]{{0,20}}?(?:{_WORD}|비하|어원|번역|필터)"
)
_SHOWN = re.compile(r"[가-힣]{0,2}는\s?(?:장면|영화|드라마|소설|만화|게임|몬스터|보스|캐릭터|악당)")
# "네" is "you", but also "yes" before the author, and "four".
_YOU = re.compile(
    r"(?<![가-힣])(?:(?:너|니|네(?!,|\s*(?:[저전제나난내]|맞|개|시|명|번|살)|$)|당신|그쪽)(?:희|네|들|희들|[놈년]들?)?"
    r"(?:은|는|이|가|을|를|도|만|의|랑|이랑|와|과|이?야말로|처럼|보다|같은|때문에|(?:한테|에게)[는도만]?|보고|더러)?|넌|널|느그)(?![가-힣])"
)
_ADDRESS = re.compile(r"(?:[놈년신넘]|새끼|새꺄|것들)(?:아|야)(?![가-힣])")
# Somebody is called: "씨발놈아".
_CALLED = re.compile(r"(?:[놈년신넘]|들)아(?![가-힣])")
# A person from whose point of view something is said: "내가 보기엔", "내가 아는".
_VIEW = (
    r"(?:보기|보니|볼\s?때|보면|생각하기|느끼기|아는\s|만난\s|만났던|본\s|봤던|사귄\s|사귀던|싫어하는|뽑은\s)"
)
_VIEWED = re.compile(rf"\s?(?:{_VIEW}|봐도|생각해도)")
_AUTHOR = re.compile(r"(?<![가-힣])(?:나는?|난|저는|[내제]가)\s")
# The author as a subject, or what belongs to the author's life.
_SELF = re.compile(
    rf"(?<![가-힣])(?:나는?|난|나도|저는|저도|[내제]가|[내제]\s?(?:인생|자신|팔자|꼴|신세|삶|처지|성격|모습|외모|머리)[은는이가도]?)\s(?!{_VIEW})"
)
# What follows a word about the author's counterpart: an object, a plural, or a noun that the word describes.
_OBJECT = re.compile(r"(?:\s?(?:새끼|놈|년|것))?(?:들|[을를]\s|한테|에게|이?랑\s)")
_POINTED = re.compile(r"(?<![가-힣])[그저이요]\s?$")
_SUBJECT = frozenset(("은", "는", "이", "가"))
# The end of the clause of a match. A comma directly after a swear word does not end it.
_CLAUSE = re.compile(r"(?<=[가-힣]),|[.!?\n…]")


def match_korean(text: str, *, quoted: bool = False) -> list[str]:
    """Return the kinds of abuse in ``text``. Quotations count only if ``quoted``."""
    if not has_korean_letters(text):
        return []
    words = lexicon()
    unquoted = text if quoted else _QUOTED.sub(" … ", text)
    found = (_kinds(unquoted[start:end], words) for start, end in _pieces(unquoted))
    return list(dict.fromkeys(kind for kinds in found for kind in kinds))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Windows of a text that begin and end at a space, so that no word is cut."""
    for start, end in windows(len(text)):
        first = _SPACE.search(text, start, end) if start else None
        last = _SPACE.search(text, end) if end < len(text) else None
        yield (
            first.end() if first else start,
            min(last.start(), end + _REACH) if last else min(len(text), end + _REACH),
        )


def _kinds(text: str, words: Lexicon) -> list[str]:
    subject = _Subject(words.harmless.sub("·", normalise_korean(text)), words)
    kinds = [
        name
        for name, patterns in words.alone.items()
        if any(subject.has(name, pattern.finditer(subject.plain)) for pattern in patterns)
    ]
    return [*kinds, *(["hatred_ko"] if subject.has("hatred_ko", _hatred(subject.plain, words)) else [])]


class _Subject:
    """A normalised text, with the sentences in which somebody is addressed."""

    def __init__(self, plain: str, words: Lexicon) -> None:
        self.plain, self._words = plain, words
        ends = [0, *(match.end() for match in _END.finditer(plain)), len(plain)]
        self._starts = [at for left, right in pairwise(ends) for at in range(left, right, _REACH)]
        self._addressed: dict[int, bool] = {}

    def has(self, name: str, matches: Iterable[_Span]) -> bool:
        """Whether a match of this kind is abuse, and not about a word, a thing or the author."""
        return any(not self._is_harmless(name, *match.span()) for match in matches)

    def _is_harmless(self, name: str, start: int, end: int) -> bool:
        number = bisect_right(self._starts, start) - 1
        left = self._starts[number]
        if number not in self._addressed:
            right = self._starts[number + 1] if number + 1 < len(self._starts) else len(self.plain)
            self._addressed[number] = bool(_ADDRESS.search(self.plain, left, right))
        if self._is_reported(name, left, start, end) or (
            not self._addressed[number] and self._is_mentioned(start, end)
        ):
            return True
        if name == "threat_ko":
            return self._is_about_thing(left, start, end)
        return name in _OF_OTHERS and self._is_about_author(left, start, end)

    def _is_reported(self, name: str, left: int, start: int, end: int) -> bool:
        """Whether the sentence reports or denies the matched words, and does not utter them."""
        if _TO_AUTHOR.search(self.plain, left, start) and _SAID.match(self.plain, end):
            return True
        author = _AUTHOR.search(self.plain, left, start)
        if author and _YOU.search(self.plain, author.end(), start) and _STATED.match(self.plain, end):
            return False
        return bool((_SWORN if name == "abuse_ko" else _REPORTED).match(self.plain, end))

    def _is_about_author(self, left: int, start: int, end: int) -> bool:
        """Whether the author is the subject of a match, and nobody else is in its clause."""
        plain, words = self.plain, self._words
        authors = [match.end() for match in _SELF.finditer(plain, max(left, start - 12), start)]
        if not authors or _OBJECT.match(plain, end) or words.described.match(plain, end):
            return False
        reach = min(len(plain), end + _REACH)
        last = _CLAUSE.search(plain, end + 1, reach)
        first = max((match.end() for match in _CLAUSE.finditer(plain, left, start)), default=left)
        right = last.start() if last else reach
        if _CALLED.search(plain, start, right) or self._has_other(first, right):
            return False
        return not self._is_about_another(authors[-1], start)

    def _has_other(self, first: int, right: int) -> bool:
        """Whether the clause has a "you" that is more than a point of view: "네가 보기에도"."""
        return any(
            not _VIEWED.match(self.plain, you.end()) for you in _YOU.finditer(self.plain, first, right)
        )

    def _is_about_another(self, first: int, start: int) -> bool:
        """Whether a person stands between the author and a match, as its subject or directly before it."""
        if _POINTED.search(self.plain, first, start):
            return True
        people = (self._words.people, self._words.protected, self._words.others)
        return any(
            match["vile"]
            or match["josa"] in _SUBJECT
            or (not match["josa"] and self.plain[match.end() : start].isspace())
            for pattern in people
            for match in pattern.finditer(self.plain, first, start)
        )

    def _is_mentioned(self, start: int, end: int) -> bool:
        """Whether the sentence is about the matched words."""
        if _ABOUT.match(self.plain, end):
            return True
        return self.plain[max(0, start - 1) : start] in _OPENING and bool(_NAMED.match(self.plain, end))

    def _is_about_thing(self, left: int, start: int, end: int) -> bool:
        """Whether a thing, an animal or a story precedes a threat directly, and no person does."""
        if _SHOWN.match(self.plain, end):
            return True
        if _YOU.search(self.plain, left, end):
            return False
        return self._words.things.search(self.plain, max(left, start - _BESIDE), start) is not None


class _Span(Protocol):
    def span(self) -> tuple[int, int]: ...


@dataclass(frozen=True)
class _Pair:
    """A group and a predicate about it."""

    start: int
    end: int

    def span(self) -> tuple[int, int]:
        return self.start, self.end


def _hatred(plain: str, words: Lexicon) -> Iterator[_Pair]:
    """Pair groups with the predicates that follow them in their sentence, or with a word that demeans them."""
    far = sorted(
        match.span() for pattern in (words.demean, words.exclude) for match in pattern.finditer(plain)
    )
    mild = [match.span() for match in words.mild.finditer(plain)]
    for pattern in (words.protected, words.others, words.persons):
        for group in pattern.finditer(plain):
            start, end = group.span()
            if pattern is not words.persons and (
                group["vile"] or words.attribute.search(plain, max(0, start - 12), start)
            ):
                yield _Pair(start, end)
            marked = group["vile"] or group["many"] or group["josa"]
            for first, last in _following(far, end, _FAR if marked else _BARE):
                if not _END.search(plain, end, first):
                    yield _Pair(start, last)
            for first, last in _following(mild, end, _NEAR) if pattern is not words.others else ():
                if words.adverbs.fullmatch(plain, end, first):
                    yield _Pair(start, last)


def _following(spans: Sequence[tuple[int, int]], end: int, reach: int) -> Iterator[tuple[int, int]]:
    """Spans that start at most ``reach`` characters after ``end``."""
    return takewhile(lambda span: span[0] <= end + reach, islice(spans, bisect_left(spans, (end, 0)), None))
