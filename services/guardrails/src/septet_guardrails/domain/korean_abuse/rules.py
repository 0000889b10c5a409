"""Rules that find abuse in normalised Korean text.

Swear words, slurs, threats and dehumanising phrases count alone. A group counts with a predicate about it in the same
sentence. Matches in a sentence about words, or about things and animals, do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from septet_guardrails.domain.korean_abuse.lexicon import Lexicon, lexicon
from septet_guardrails.domain.korean_abuse.normal import is_korean, normalise_korean

WEIGHT = 0.95
_REACH = 160
_FAR, _NEAR = 18, 12
_END = re.compile(r"[.!?\n…]+")
_QUOTED = re.compile(
    r"\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”|(?<!\w)'[^'\n]{1,200}'|‘[^’\n]{1,200}’|「[^」\n]{1,200}」|『[^』\n]{1,200}』|《[^》\n]{1,200}》|<[^>\n]{1,60}>"
)
# A sentence about words, hatred or a complaint.
_ABOUT = re.compile(
    r"표현|단어|낱말|용어|어원|비하|혐오(?!스|감|함)|욕설|초성|낮잡|낮춰|속되게|속칭|멸칭|명예훼손에|모욕죄|차별|편견|유행어|속담|육십갑자|무슨\s?뜻|뜻이"
    r"|(?:신고|고소)(?:했|합|하려|해\s?주|당)|놀림|번역|(?:라|다|냐|자|란)는\s?(?:말|소리|주장|인식|표현|뜻|이유|가사|대사|장면)"
    r"|(?:라고|다고)\s?(?:부르|불리|불러|불렀|놀|해서\s?신고|하면\s?안|말하지)|(?:부르|말하|쓰)지\s?(?:말|맙|마세요|않)|(?:부르|쓰)면\s?안|나오는\s?(?:가사|대사|소설|장면|고전)"
)
# What may follow a match that is reported or denied: "벌레라고 부르다", "벌레가 아니다".
_REPORTED = re.compile(
    r"[^\s.!?]{0,3}?(?:(?:라|다|냐|자)(?:고|는|며|던)\s?(?:하|말|생각|부르|쓰|써|사람|글|댓글|욕|소리|주장)|(?:이|가|은|는)?\s?아니(?:다|라|에요|예요|야))"
)
_ADDRESS = re.compile(r"(?:[놈년신넘]|새끼|새꺄|것들)(?:아|야)(?![가-힣])")
_SELF = re.compile(r"(?<![가-힣])(?:나|난|내가|제가|저는|나는|나도|저도|내|우리)\s")


def match_korean(text: str, *, quoted: bool = False) -> dict[str, float]:
    """Return the kinds of abuse in ``text`` with their weights. Quotations count only if ``quoted``."""
    if not is_korean(text):
        return {}
    words = lexicon()
    plain = normalise_korean(text if quoted else _QUOTED.sub(" … ", text))
    plain = words.harmless.sub("·", plain)
    found = {
        name
        for name, start, end in _matches(plain, words)
        if not _is_harmless(plain, start, end, name, words)
    }
    return dict.fromkeys(sorted(found), WEIGHT)


def _matches(plain: str, words: Lexicon) -> Iterator[tuple[str, int, int]]:
    for name, pattern in words.alone.items():
        for match in pattern.finditer(plain):
            yield name, *match.span()
    yield from _combined(plain, words)


def _combined(plain: str, words: Lexicon) -> Iterator[tuple[str, int, int]]:
    """Pair groups with the predicates that follow them in their sentence."""
    far = sorted(
        (match.start(), match.end(), pattern is words.exclude)
        for pattern in (words.demean, words.exclude)
        for match in pattern.finditer(plain)
    )
    mild = [match.span() for match in words.mild.finditer(plain)]
    for pattern in (words.protected, words.others, words.persons):
        for group in pattern.finditer(plain):
            marked = bool(group["vile"] or group["many"] or group["josa"])
            if group["vile"] and pattern is not words.persons:
                yield "hatred_ko", *group.span()
            if pattern is not words.persons and words.attribute.search(
                plain, max(0, group.start() - 12), group.start()
            ):
                yield "hatred_ko", group.start(), group.end()
            reach = _FAR if marked else 2
            for start, end, _ in far:
                if 0 <= start - group.end() <= reach and not _END.search(plain, group.end(), start):
                    yield "hatred_ko", group.start(), end
            if pattern is words.others:
                continue
            for start, end in mild:
                if 0 <= start - group.end() <= _NEAR and words.adverbs.fullmatch(plain, group.end(), start):
                    yield "hatred_ko", group.start(), end


def _is_harmless(plain: str, start: int, end: int, name: str, words: Lexicon) -> bool:
    """Whether a match is about a word, a thing or the author."""
    before = [match.end() for match in _END.finditer(plain, max(0, start - _REACH), start)]
    after = _END.search(plain, end, min(len(plain), end + _REACH))
    left, right = before[-1] if before else max(0, start - _REACH), after.start() if after else end + _REACH
    sentence = plain[left:right]
    if _ADDRESS.search(sentence):
        return False
    if _ABOUT.search(sentence) or _REPORTED.match(plain, end):
        return True
    if name == "threat_ko" and words.things.search(sentence):
        return True
    return name in ("abuse_ko", "derogation_ko") and bool(_SELF.search(plain, max(left, start - 12), start))
