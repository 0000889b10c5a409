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
_PEST = r"충(?=들|이|은|아|새|놈|년|네|냐|ㅋ|만|한테|때문|도|의|\s|$|[!.,?])"
_SUFFIX = (
    r"(?:(?P<vile>(?:들)?\s?(?:<wretch>|것들)들?)|(?P<many>들|애들|\s?사람들?|분들|\s?출신들?|인들|네들))?"
    r"(?P<josa><josa>)?(?![가-힣])"
)


@dataclass(frozen=True)
class Lexicon:
    """Patterns of the lexicon's classes.

    Attributes:
        alone: patterns that are abuse without a context, by kind. One pattern that joins them is slower.
        protected: groups that people belong to by birth or belief. Mild predicates about them are abuse, too.
            ``others`` are roles and parties, and ``persons`` pronouns. A match has the group ``vile``, ``many`` or
            ``josa`` if the next word demeans, marks the plural, or marks the role.
        people: relatives and roles of other people, who can be the subject of a swear word instead of the author.
        described: one of them, described by the word before it: "같은 상사".
        attribute: adjectives that demean the group after them.
    """

    harmless: re.Pattern[str]
    alone: Mapping[str, Sequence[re.Pattern[str]]]
    protected: re.Pattern[str]
    others: re.Pattern[str]
    persons: re.Pattern[str]
    people: re.Pattern[str]
    described: re.Pattern[str]
    attribute: re.Pattern[str]
    mild: re.Pattern[str]
    demean: re.Pattern[str]
    exclude: re.Pattern[str]
    adverbs: re.Pattern[str]
    things: re.Pattern[str]


class _Fragments:
    """The fragments of ``lexicon.yaml``, joined to regular expressions."""

    def __init__(self) -> None:
        text = (files("septet_guardrails.domain.korean_abuse") / "lexicon.yaml").read_text(encoding="utf-8")
        self.body: dict[str, Any] = yaml.safe_load(text)

    def join(self, fragments: Iterable[str]) -> str:
        """Return alternatives, with the parts that they name."""
        joined = "|".join(fragments)
        while _PART.search(joined):
            joined = _PART.sub(lambda match: str(self.body["parts"][match.group(1)]), joined)
        return f"(?:{joined})"

    def section(self, name: str) -> list[str]:
        """Return the patterns of a section: one for the beginnings of words, one for any place."""
        section: dict[str, list[str]] = self.body[name]
        inside = [self.join(section["any"])] if "any" in section else []
        return [f"{_START}{self.join(section['start'])}", *inside]

    def alone(self) -> dict[str, list[str]]:
        """Return the patterns that are abuse without a context, by kind."""
        jamo = f"(?<![ㄱ-ㅎ]){self.join(self.body['jamo'])}(?![ㄱ-ㅊㅌ-ㅍ])"
        pests = f"{_START}{self.join(self.body['slurs']['pest'])}{_PEST}"
        return {
            "abuse_ko": [*self.section("swearing"), jamo],
            "slur_ko": [*self.section("slurs"), pests],
            "threat_ko": self.section("threats"),
            "derogation_ko": [*self.section("dehumanising"), *self.section("implicit")],
        }

    def group(self, name: str) -> str:
        """Return the pattern of a class of groups, with what marks it."""
        return f"{_START}{self.join(self.body['groups'][name])}{self.join([_SUFFIX])}"


@cache
def lexicon() -> Lexicon:
    """Read ``lexicon.yaml``."""
    fragments = _Fragments()
    body, join = fragments.body, fragments.join
    adverb = f"(?:{body['adverbs']})"
    return Lexicon(
        harmless=re.compile(join(body["harmless"])),
        alone={name: tuple(map(re.compile, found)) for name, found in fragments.alone().items()},
        protected=re.compile(fragments.group("protected")),
        others=re.compile(fragments.group("others")),
        persons=re.compile(fragments.group("persons")),
        people=re.compile(fragments.group("people")),
        described=re.compile(rf"\s?같은\s(?:우리\s)?{join(body['groups']['people'])}(?![가-힣]{{2}})"),
        attribute=re.compile(f"{_START}{join(['<vile>', '<like>'])}\\s?$"),
        mild=re.compile(join(body["mild"])),
        demean=re.compile(f"{_START}{join(body['demean'])}"),
        exclude=re.compile(f"{_START}{join(body['exclude'])}"),
        adverbs=re.compile(rf"(?:\s*{adverb}(?=\s)|\s)*\s*{adverb}?\Z"),
        things=re.compile(body["things"]),
    )
