"""Reader of English questions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from septet_cache.domain.reading import english_words as words
from septet_cache.domain.reading.coordination import exchangeable
from septet_cache.domain.reading.english_forms import calendar, canonical
from septet_cache.domain.reading.english_kind import kind_of, without_courtesy
from septet_cache.domain.reading.inflection import lemmas
from septet_cache.domain.reading.model import Reading, Term
from septet_cache.domain.reading.quantities import UNITS, quantities

_PASSIVE = re.compile(words.PASSIVE)
_TOKEN = re.compile(
    r"[A-Za-z_][A-Za-z0-9_]*(?:[.'/][A-Za-z0-9_]+)*[+#]*|\.[A-Za-z]\w+|\d+(?:[.,]\d+)*[A-Za-z]*"
)
_TOKEN_OR_BREAK = re.compile(rf"{_TOKEN.pattern}|[,;:()]")
_CONTRACTIONS = (
    (re.compile(r"\b(?:can't|cannot|cant)\b", re.I), "can not"),
    (re.compile(r"\bwon't\b", re.I), "will not"),
    (re.compile(r"n't\b", re.I), " not"),
    (re.compile(r"\b(dont|doesnt|didnt|isnt|arent|wasnt|shouldnt|wouldnt|couldnt)\b", re.I), r"\1 not"),
    (re.compile(r"\b(what|who|where|when|how|that|there|it|he|she)'s\b", re.I), r"\1 is"),
    (re.compile(r"\b(\w+)'re\b", re.I), r"\1 are"),
    (re.compile(r"\b(\w+)'ve\b", re.I), r"\1 have"),
    (re.compile(r"\b(\w+)'ll\b", re.I), r"\1 will"),
    (re.compile(r"\bi'm\b", re.I), "i am"),
    (re.compile(r"\b(\w+)'d\b", re.I), r"\1 would"),
    (re.compile(r"(\w)'s\b", re.I), r"\1"),
    (re.compile(r"\be-(?=[a-z])", re.I), "e"),
    (re.compile(r"\b(log|sign)((?:g|n)?(?:ing|ed)|s)? into\b", re.I), r"\1 in to"),
)
_TAGS = re.compile(
    r",?\s*(?:or not|(?:is|are|does|do|did|was|were|can|will)(?:n't| not) (?:it|they|he|she|you|we))\s*\?*$",
    re.I,
)
_INNER_CAPITAL = re.compile(r"[a-z0-9][A-Z]|[A-Za-z]\d|\d[A-Za-z]|[_.+#/]|^[A-Z]{2,}$")
_QUOTED = re.compile(r"[\"'`]([^\"'`]{2,60})[\"'`]")
_BREAKS = frozenset(",;:()")
_ENGLISH_SHARE = 0.4
_COMPOUND = re.compile(r"\b(turn|log|sign|switch)(?:ging|ned|ed|s)?\s+(on|off|in|out|up)\b", re.I)


def looks_english(text: str) -> bool:
    """Whether at least 40 % of the words are English function words. A single one may belong to another language."""
    tokens = [t.lower() for t in _TOKEN.findall(text)]
    return sum(t in words.FUNCTION for t in tokens) >= _ENGLISH_SHARE * len(tokens)


def read(text: str) -> Reading:
    """Read an English question."""
    plain = canonical(_expand(_TAGS.sub("", text)))
    tokens = _TOKEN.findall(plain)
    lowered = tuple(t.lower() for t in tokens)
    kind = kind_of(" ".join(lowered))
    numbers = quantities(plain)
    marked = _TOKEN_OR_BREAK.findall(plain)
    found = _terms(marked, _has_case(tokens), _quoted(text))
    terms = tuple(t for _, t in found)
    places = [position for position, _ in found]
    return Reading(
        text=text,
        language="en",
        kind=kind,
        terms=_lightened(marked, terms, places, is_way=kind == "how"),
        tokens=lowered,
        quantities=numbers,
        negations=sum(1 for t in lowered if t in words.NEGATIONS),
        negated=tuple(_negated(lowered)),
        aspects=frozenset(words.ASPECTS[f] for t in lowered for f in lemmas(t) if f in words.ASPECTS),
        qualifiers=_qualifiers(tuple(without_courtesy(" ".join(lowered)).split()), kind),
        calendar=calendar(text) if kind == "when" else "",
        exchangeable=exchangeable([t.lower() for t in marked], terms, places),
    )


def _expand(text: str) -> str:
    for pattern, replacement in _CONTRACTIONS:
        text = pattern.sub(replacement, text)
    return _COMPOUND.sub(lambda m: f"{m[1]}_{m[2]}".lower(), text)


def _has_case(tokens: list[str]) -> bool:
    """Whether capitals mark names: not in a text in Title Case or ALL CAPITALS."""
    letters = [t for t in tokens[1:] if t[0].isalpha() and t.lower() not in words.FUNCTION]
    capital = sum(1 for t in letters if t[0].isupper())
    return not letters or len(letters) < 3 or capital <= 0.7 * len(letters)


def _quoted(text: str) -> frozenset[str]:
    return frozenset(t.lower() for q in _QUOTED.findall(text) for t in _TOKEN.findall(q))


def _terms(tokens: list[str], cased: bool, quoted: frozenset[str]) -> list[tuple[int, Term]]:
    """Return the content words with their positions."""
    terms: list[tuple[int, Term]] = []
    role, phrase = "", 0
    for position, token in enumerate(tokens):
        lower = token.lower()
        if token in _BREAKS:
            role, phrase = "", phrase + 1
            continue
        if lower in words.PREPOSITIONS:
            role, phrase = words.ROLES.get(lower, ""), phrase + 1
            continue
        if token[0].isdigit() and not token[-1].isalpha():
            continue
        if lower in words.FUNCTION or lower in words.NEGATIONS:
            if lower in words.AUXILIARIES or lower in words.WH:
                role, phrase = "", phrase + 1
            continue
        name = lower in quoted or _is_name(token, position, cased)
        forms = lemmas(lower)
        light = not name and (bool(forms & words.LIGHT) or _is_adverb(lower))
        terms.append((position, Term(lower, forms, role=role, phrase=phrase, name=name, light=light)))
    return terms


def _lightened(
    tokens: list[str], terms: tuple[Term, ...], places: list[int], *, is_way: bool
) -> tuple[Term, ...]:
    """Mark words as light that repeat what is said: the category after a name ("the deque class"), and the verb after
    a superlative ("the best beaches to visit"), and the unit after a number, which is compared with the number.
    """
    lower = [t.lower() for t in tokens]
    found: list[Term] = []
    for n, (term, place) in enumerate(zip(terms, places, strict=True)):
        is_category = n > 0 and terms[n - 1].name and not term.forms.isdisjoint(words.CATEGORIES)
        completes = (
            place > 0 and lower[place - 1] == "to" and not words.SUPERLATIVES.isdisjoint(lower[:place])
        )
        is_unit = place > 0 and lower[place] in UNITS and lower[place - 1][0].isdigit()
        before_way = is_way and not words.WAYS.isdisjoint(lower[place + 1 : place + 2])
        is_manner = before_way and not term.forms.isdisjoint(words.ADJECTIVES_OF_WAYS)
        is_light = is_category or is_unit or is_manner or (completes and lower[place] in words.COMPLEMENTS)
        found.append(replace(term, light=True, name=False) if is_light else term)
    return tuple(found)


def _negated(tokens: tuple[str, ...]) -> Iterator[tuple[frozenset[str], ...]]:
    """Yield the base forms of the two content words after each negation."""
    for position, token in enumerate(tokens):
        if token in words.NEGATIONS:
            content = [t for t in tokens[position + 1 :] if t not in words.FUNCTION | words.NEGATIONS]
            yield tuple(lemmas(t) for t in content[:2])


def _is_adverb(word: str) -> bool:
    return (
        word.endswith("ly")
        and len(word) > 5
        and word not in words.QUALIFIERS
        and word not in words.NOT_ADVERBS
    )


def _is_name(token: str, position: int, cased: bool) -> bool:
    if _INNER_CAPITAL.search(token):
        return cased or not token.isupper()
    return cased and position > 0 and token[0].isupper()


def _qualifiers(tokens: tuple[str, ...], kind: str) -> frozenset[str]:
    found = {words.QUALIFIERS[t] for t in tokens if t in words.QUALIFIERS}
    found |= {"passive"} if _PASSIVE.search(" ".join(tokens)) else set()
    found |= {f"{limit} when" for limit, w in pairwise(tokens) if w == "when" and limit in words.LIMITS}
    if kind == "how":
        found.discard("good")
    else:
        found |= {f"modal:{words.MODALS[t]}" for t in tokens[:4] if t in words.MODALS}
    return frozenset(found)
