"""The Korean lexicon as compiled patterns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import regex as re  # type: ignore[import-untyped]
import yaml

_PART = re.compile(r"(?<!P)<(\w+)>")
_START = r"(?<![가-힣])"


@dataclass(frozen=True)
class Lexicon:
    """Patterns of the lexicon's classes.

    Attributes:
        alone: patterns that are abuse without a context, by kind. One pattern that joins them is slower.
        protected: groups of people, about whom mild predicates count too. ``others`` are chosen roles and parties,
            and ``persons`` pronouns. A match has a group ``vile``, ``many`` or ``josa`` if a word follows it that
            demeans, marks the plural, or marks its role.
        attribute: adjectives that demean the group after them.
    """

    harmless: re.Pattern[str]
    alone: Mapping[str, Sequence[re.Pattern[str]]]
    protected: re.Pattern[str]
    others: re.Pattern[str]
    persons: re.Pattern[str]
    attribute: re.Pattern[str]
    mild: re.Pattern[str]
    demean: re.Pattern[str]
    exclude: re.Pattern[str]
    adverbs: re.Pattern[str]
    things: re.Pattern[str]


@cache
def lexicon() -> Lexicon:
    """Read ``lexicon.yaml``."""
    text = (files("septet_guardrails.domain.korean_abuse") / "lexicon.yaml").read_text(encoding="utf-8")
    body: dict[str, Any] = yaml.safe_load(text)
    parts: dict[str, str] = body["parts"]

    def join(fragments: Iterable[str]) -> str:
        joined = "|".join(fragments)
        while _PART.search(joined):
            joined = _PART.sub(lambda match: parts[match.group(1)], joined)
        return f"(?:{joined})"

    def patterns(name: str) -> list[str]:
        section: dict[str, list[str]] = body[name]
        return [f"{_START}{join(section['start'])}", *([join(section["any"])] if "any" in section else [])]

    jamo = f"(?<![ㄱ-ㅎ]){join(body['jamo'])}(?![ㄱ-ㅊㅌ-ㅍ])"
    pests = rf"{_START}(?:{body['slurs']['pest'][0]})충(?=들|이|은|아|새|놈|년|네|냐|ㅋ|만|한테|때문|도|의|\s|$|[!.,?])"
    alone = {
        "abuse_ko": [*patterns("swearing"), jamo],
        "slur_ko": [*patterns("slurs"), pests],
        "threat_ko": patterns("threats"),
        "derogation_ko": [*patterns("dehumanising"), *patterns("implicit")],
    }
    suffix = join(
        [
            r"(?:(?P<vile>(?:들)?\s?(?:<wretch>|것들)들?)|(?P<many>들|애들|\s?사람들?|분들|\s?출신들?|인들|네들))?"
            r"(?P<josa><josa>)?(?![가-힣])"
        ]
    )
    return Lexicon(
        harmless=re.compile(join(body["harmless"])),
        alone={name: tuple(map(re.compile, found)) for name, found in alone.items()},
        protected=re.compile(f"{_START}{join(body['groups']['protected'])}{suffix}"),
        others=re.compile(f"{_START}{join(body['groups']['others'])}{suffix}"),
        persons=re.compile(f"{_START}{join(body['groups']['persons'])}{suffix}"),
        attribute=re.compile(f"{_START}{join(['<vile>|<like>'])}\\s?$"),
        mild=re.compile(join(body["mild"])),
        demean=re.compile(f"{_START}{join(body['demean'])}"),
        exclude=re.compile(f"{_START}{join(body['exclude'])}"),
        adverbs=re.compile(rf"(?:\s*(?:{body['adverbs']})(?=\s)|\s)*\s*(?:{body['adverbs']})?\Z"),
        things=re.compile(body["things"]),
    )
