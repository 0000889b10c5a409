"""Rules that find abuse in normalised Korean text.

Swear words, slurs, threats and dehumanising phrases count alone. A group counts with a predicate about it in the same
sentence. Matches in a sentence about words, or about things and animals, do not count.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile
from typing import Protocol

from septet_guardrails.domain.korean_abuse.lexicon import Lexicon, lexicon
from septet_guardrails.domain.korean_abuse.normal import is_korean, normalise_korean

# Most characters of a sentence whose other words count for a match.
_REACH = 200
# Most characters between a group and a predicate: after a plural or a particle, before a mild predicate, and otherwise.
_FAR, _NEAR, _BARE = 18, 12, 2
# Kinds that do not count if the author is their subject.
_OF_OTHERS = ("abuse_ko", "derogation_ko")

_END = re.compile(r"[.!?\n…]+")
_QUOTED = re.compile(
    r"\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”|(?<!\w)'[^'\n]{1,200}'|‘[^’\n]{1,200}’|「[^」\n]{1,200}」|『[^』\n]{1,200}』|《[^》\n]{1,200}》|<[^>\n]{1,60}>"
)
# A sentence about words, hatred or a complaint.
_ABOUT = re.compile(
    r"표현|단어|낱말|용어|어원|비하|혐오(?!스|감|함)|욕설|초성|낮잡|낮춰|속되게|속칭|멸칭|명예훼손에|모욕죄|차별|편견|유행어|속담|육십갑자|무슨\s?뜻|뜻이"
    r"|(?:신고|고소)(?:했|합|하려|해\s?주|당)|놀림|번역"
    r"|(?:라고|다고)\s?(?:부르|불리|불러|불렀|놀|해서\s?신고|하면\s?안|말하지)|(?:부르|말하|쓰)지\s?(?:말|맙|마세요|않)|(?:부르|쓰)면\s?안|나오는\s?(?:가사|대사|소설|장면|고전)"
)
# What may follow a match that is reported or denied: "벌레라고 부르다", "벌레가 아니다".
_REPORTED = re.compile(
    r"[^.!?]{0,6}?(?:(?:라|다|냐|자)(?:고|는|며|던)\s?(?:하|말|생각|부르|쓰|써|사람|글|댓글|욕|소리|주장|인식|표현|뜻|이유|가사|대사|장면|놀)|(?:이|가|은|는)?\s?아니(?:다|라|에요|예요|야))"
)
_ADDRESS = re.compile(r"(?:[놈년신넘]|새끼|새꺄|것들)(?:아|야)(?![가-힣])")
_SELF = re.compile(r"(?<![가-힣])(?:나|난|내가|제가|저는|나는|나도|저도|내|우리)\s")


def match_korean(text: str, *, quoted: bool = False) -> list[str]:
    """Return the kinds of abuse in ``text``. Quotations count only if ``quoted``."""
    if not is_korean(text):
        return []
    words = lexicon()
    plain = normalise_korean(text if quoted else _QUOTED.sub(" … ", text))
    subject = _Subject(words.harmless.sub("·", plain), words)
    kinds = [
        name
        for name, patterns in words.alone.items()
        if any(subject.has(name, pattern.finditer(subject.plain)) for pattern in patterns)
    ]
    return [*kinds, *(["hatred_ko"] if subject.has("hatred_ko", _hatred(subject.plain, words)) else [])]


class _Subject:
    """A normalised text, with the sentences that are about a word or a thing."""

    def __init__(self, plain: str, words: Lexicon) -> None:
        self.plain, self._words = plain, words
        ends = [0, *(match.end() for match in _END.finditer(plain)), len(plain)]
        self._starts = [at for left, right in pairwise(ends) for at in range(left, right, _REACH)]
        self._about: dict[int, bool] = {}
        self._things: dict[int, bool] = {}

    def has(self, name: str, matches: Iterable[_Span]) -> bool:
        """Whether a match of this kind is abuse, and not about a word, a thing or the author."""
        return any(not self._is_harmless(name, *match.span()) for match in matches)

    def _is_harmless(self, name: str, start: int, end: int) -> bool:
        number = bisect_right(self._starts, start) - 1
        left = self._starts[number]
        if number not in self._about:
            right = self._starts[number + 1] if number + 1 < len(self._starts) else len(self.plain)
            sentence = self.plain[left:right]
            self._about[number] = bool(_ABOUT.search(sentence)) and not _ADDRESS.search(sentence)
            self._things[number] = bool(self._words.things.search(sentence))
        if self._about[number] or _REPORTED.match(self.plain, end):
            return True
        if name == "threat_ko":
            return self._things[number]
        return name in _OF_OTHERS and bool(_SELF.search(self.plain, max(left, start - 12), start))


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
