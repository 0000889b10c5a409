"""Detection of abuse, hatred and threats in English and Korean.

The patterns of this module are English: a target, and a statement about it. Their structure follows the functional tests
of HateCheck (Röttger et al., 2021). Derogation, threats, slurs and profanity count if they are aimed at people, and not
if they are quoted, negated or aimed at things. ``korean_abuse`` contains the Korean rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from septet_guardrails.domain.korean_abuse import match_korean
from septet_guardrails.domain.text import fold, windows

_GROUP = (
    r"(?:(?:women|woman|females?|girls|gays?|lesbians?|homosexuals?|queers|trans(?:gender)?s?|transsexuals?|blacks?|africans?"
    r"|disabled|cripples?|handicapped|muslims?|islamists?|jews?|jewish|christians|immigrants?|migrants?|refugees?|foreigners?"
    r"|asians?|chinese|mexicans?|latinos?|arabs?|gypsies|koreans?|japanese|indians)"
    r"(?:\s+(?:people|persons?|folks?|men|women|man|woman|ones|kids|community))?)"
)
_SLUR = (
    r"(?:n[i1]gg(?:er|a|ah)s?|f[a@]gg?[o0]ts?|f[a@]gs|k[i1]kes?|tr[a@]nn(?:y|ies)|sp[i1]cs?|ch[i1]nks?|g[o0]{2}ks?|w[e3]tb[a@]cks?"
    r"|r[a@]gheads?|dykes?|r[e3]t[a@]rds?|mongs?|cripples|wh[o0]res?|sl[u4]ts?|c[u4]nts?|b[i1]tch(?:es)?|pakis?|p[a@]kis)"
)
_TARGET = rf"(?:{_GROUP}|{_SLUR})"
_EACH = r"(?:(?:all|every|any|these|those|the|that|this|you|some|filthy|fucking|bloody|damn|being\s+around|to\s+be\s+around|seeing)\s+)*"
_INSULT = (
    r"(?:scum|vermin|rats?|pigs?|dogs?|animals|beasts?|trash|garbage|filth(?:y)?|dirt(?:y)?|disease|plague|cancer|parasites?|cockroach(?:es)?"
    r"|maggots?|leech(?:es)?|insects?|sub-?human|inhuman|less\s+than\s+human|worthless|useless|disgusting|repulsive|revolting|vile|evil|inferior"
    r"|stupid|dumb|idiots?|idiotic|morons?|retarded|pathetic|ugly|primitive|uncivili[sz]ed|abomination|monsters?|freaks?|liars"
    r"|fucked\s+in\s+the\s+head|pieces?\s+of\s+shit|shit|scumbags?|assholes?|despicable|(?:the\s+)?(?:absolute\s+)?worst|scourge|in\s+a\s+zoo|a\s+joke)"
)
_HARM = (
    r"(?:kill|murder|shoot|stab|gas|burn|hang|lynch|beat|punch|slaughter|exterminate|eradicate|wipe\s+out|get\s+rid\s+of|behead|rape|hurt"
    r"|strangle|drown|attack|destroy)"
)
_HARMED = r"(?:killed|murdered|shot|stabbed|gassed|burned|burnt|hanged|lynched|beaten|punched|slaughtered|exterminated|eradicated|wiped\s+out|put\s+down|raped|shunned|locked\s+up|deported)"


@dataclass(frozen=True)
class Abuse:
    """One kind of abuse.

    Attributes:
        weight: probability that a match is abuse, 0 to 1.
        needs: a much faster pattern that also matches every text that ``pattern`` matches.
    """

    name: str
    weight: float
    pattern: re.Pattern[str]
    needs: re.Pattern[str] | None = None


class Found(NamedTuple):
    """A kind of abuse that a text contains, with the probability that it is abuse."""

    name: str
    weight: float


def _abuse(name: str, weight: float, *parts: str, needs: re.Pattern[str] | None = None) -> Abuse:
    return Abuse(name, weight, re.compile("|".join(parts), re.IGNORECASE), needs)


_KOREAN_WEIGHT = 0.95
_SOMEBODY = re.compile(rf"\b{_TARGET}", re.IGNORECASE)
_SOMEBODY_OR_YOU = re.compile(rf"you|kys|\b{_TARGET}", re.IGNORECASE)


ABUSES: tuple[Abuse, ...] = (
    _abuse(
        "hatred",
        0.95,
        rf"\b(?:hate|hated|despise|detest|loathe|can(?:no|')?t\s+stand|sick\s+of|disgusted\s+by|abhor)\s+{_EACH}{_TARGET}\b",
        rf"\b{_TARGET}\b(?:\s+like\s+you)?\s+(?:really\s+|just\s+)?(?:disgust|sicken|repulse)s?\s+(?:me|us|everyone)\b",
        rf"\bi(?:'d|\s+would)\s+(?:rather|never|sooner)\s+[^.?!\n]{{0,30}}\b(?:date|hire|trust|touch|befriend|die)\b[^.?!\n]{{0,24}}\b{_TARGET}\b",
        rf"\b(?:hatred|disdain|contempt|disgust|no\s+(?:compassion|respect|sympathy))\b[^.?!\n]{{0,24}}\bfor\s+{_EACH}{_TARGET}\b",
        rf"\b{_TARGET}\b[^.?!\n]{{0,48}}[.!,]?\s+(?:and\s+|but\s+)?i\s+(?:really\s+)?(?:hate|despise|detest|loathe)\s+(?:them|every\s+single|all\s+of\s+them)\b",
        rf"\b{_TARGET}\b[^.?!\n]{{0,20}}\bget\s+the\s+fuck\s+out\b|\bfind\s+{_EACH}{_TARGET}\s+(?:\w+\s+)?{_INSULT}\b",
        rf"\bno\s+{_TARGET}\s+(?:deserves?|should)\b|\b{_TARGET}\s+(?:have|has)\s+no\s+place\b",
        needs=_SOMEBODY,
    ),
    _abuse(
        "derogation",
        0.95,
        rf"\b{_TARGET}\b(?:\s+like\s+you)?,?\s+(?:are|is|r|were|belong)\s+(?!not\b|n't)[^.?!\n]{{0,40}}?\b{_INSULT}\b",
        rf"\b(?:typical|stupid|dumb|filthy|dirty|disgusting|worthless|fucking|bloody|goddamn)\s+(?:of\s+(?:a|an)\s+)?{_TARGET}\b",
        rf"\b{_INSULT}\b[^.?!\n]{{0,24}}\b(?:because|since|if|as)\s+(?:they|you|she|he)(?:'re|\s+are|\s+is)\s+(?:a\s+|an\s+)?{_TARGET}\b",
        rf"\b{_TARGET}\b(?:\s+like\s+you)?\s+(?:will|should|can|do|deserve|does|are|is)\s*(?:n't|n’t|not|never)\s+(?:\w+\s+){{0,4}}"
        r"(?:human|worth|respect|love|rights|life|trusted|happy|happiness|anything|equal|help|be\s+treated)\b",
        needs=_SOMEBODY,
    ),
    _abuse(
        "threat",
        0.97,
        rf"\b(?:i|we|somebody|someone|they|people)(?:'ll|'m|'d|\s+will|\s+am|\s+want|\s+should|\s+gotta|\s+must|\s+need|\s+would|\s+have)?[^.?!\n]{{0,24}}\b{_HARM}\s+{_EACH}(?:{_TARGET}|you)\b(?!\s+(?:to|with|for|when|if)\b)",
        rf"(?:^|[.!]\s*|let'?s\s+(?:go\s+(?:and\s+)?)?){_HARM}\s+{_EACH}{_TARGET}\b(?!\s+\w+(?:ism|ness)\b)",
        rf"\b{_TARGET}\b[^.?!\n]{{0,24}}\b(?:should|must|need\s+to|ought\s+to|deserve\s+to|have\s+to|had\s+better|will)\s+(?:all\s+)?(?:die|be\s+{_HARMED}|suffer|rot|burn|disappear)\b",
        r"\byou\s+(?:\w+\s+){0,3}(?:deserve\s+to\s+die|should\s+(?:die|be\s+(?:killed|shot|dead)))\b|\b(?:go\s+)?kill\s+your\s?self\b|\bkys\b|\bi(?:'ll|\s+will|'m\s+going\s+to)\s+(?:kill|murder|hurt|find\s+and\s+kill)\s+you\b",
        needs=_SOMEBODY_OR_YOU,
    ),
    _abuse(
        "abuse",
        0.95,
        rf"\b(?:fuck|screw|damn)\s+(?:you|off|{_EACH}{_TARGET})\b|\bgo\s+(?:fuck|screw)\s+your\s?sel(?:f|ves)\b|\b{_TARGET}\b[^.?!\n]{{0,20}}\bgo\s+fu?c?k\s+themselves\b",
        rf"\b(?:you|u|you're|ur|you\s+are)\s+(?:(?:just|such|nothing\s+but|a|an|all|are|fucking|bloody|stupid|worthless|goddamn|dirty|complete|total|absolute|little)\s+){{0,4}}(?:{_SLUR}|idiots?|morons?|scum|pieces?\s+of\s+shit|assholes?|bastards?|dumbass(?:es)?|dickheads?|trash)\b",
        r"\b(?:shut\s+the\s+fuck\s+up|stfu|motherfuckers?)\b",
    ),
    _abuse(
        "slur",
        0.92,
        r"\b(?:n[i1]gg(?:er|ah)s?|f[a@]gg[o0]ts?|k[i1]kes?|tr[a@]nnies|w[e3]tb[a@]cks?|r[a@]gheads?)\b",
    ),
)

# A quotation does not contain an opening sign: a search that starts at each of many signs stays linear.
_QUOTED = re.compile(r"[\"“„«][^\"“”„«»]{2,200}[\"”»]|(?<!\w)['‘][^'‘’\n]{4,200}['’](?!\w)")
_DISTANCED = re.compile(
    r"\b(?:no\s*one|nobody|never|don'?t|doesn'?t|didn'?t|do\s+not|does\s+not|isn'?t|aren'?t|wouldn'?t|not|without|stop\s+(?:saying|calling)"
    r"|wrong\s+to|why\s+do\s+(?:people|some|they)|why\s+did|people\s+who|anyone\s+who|those\s+who|if\s+you(?:'re|\s+are)?\s+(?:say|tell|call)\w*|saying|calling)\s+(?:\w+\s+){0,4}$",
    re.IGNORECASE,
)
# "I" before a spelled-out word is a separate word.
_SPACED = re.compile(r"\b(?!i )(?:\w ){2,}\w\b")
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"})
_LEET_WORD = re.compile(r"\b(?=\w*[a-z@$])(?=\w*[0-9@$])[\w@$]{3,}")


def normalise(text: str) -> str:
    """Fold, join spelled-out words ("w o m e n"), and replace digits that stand for letters."""
    joined = _SPACED.sub(lambda match: match.group().replace(" ", ""), fold(text))
    return _LEET_WORD.sub(lambda match: match.group().translate(_LEET), joined)


def match_abuse(text: str, *, quoted: bool = False) -> list[Found]:
    """Return the kinds of abuse in ``text``, highest weight first.

    Matches after a negation or reported speech do not count. Quotations count only if ``quoted``: a question that
    quotes abuse is usually about it.
    """
    plain = normalise(text if quoted else _QUOTED.sub(" … ", text))
    found = [
        Found(abuse.name, abuse.weight)
        for abuse in ABUSES
        if any(_matches(abuse, plain, *window) for window in windows(len(plain)))
    ]
    found += [Found(name, _KOREAN_WEIGHT) for name in match_korean(text, quoted=quoted)]
    return sorted(found, key=lambda kind: -kind.weight)


def _matches(abuse: Abuse, plain: str, start: int, end: int) -> bool:
    if abuse.needs is not None and not abuse.needs.search(plain, start, end):
        return False
    return any(
        not _DISTANCED.search(plain[max(0, match.start() - 60) : match.start()])
        for match in abuse.pattern.finditer(plain, start, end)
    )
