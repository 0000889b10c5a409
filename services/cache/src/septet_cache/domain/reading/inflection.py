"""Base forms of English words by inflection.

A stemmer such as Porter's also merges derivations: *import* and *important*, *policy* and *police*, *operator* and
*operation*. Questions about these differ. This module removes only inflection, and returns all base forms if there are
several (*hating*: *hat*, *hate*).
"""

from __future__ import annotations

from septet_cache.domain.reading.english_words import IRREGULAR
from septet_cache.domain.reading.thesaurus import SYNONYMS

_HEADS = SYNONYMS["en"]
#: British spellings with a double consonant.
_DOUBLED = frozenset({"cancell", "travell", "labell", "modell", "enroll", "fuell", "signall"})
_VOWELS = frozenset("aeiouy")


def lemmas(word: str) -> frozenset[str]:
    """Return all base forms of a lower-case word, and the heads of their groups of synonyms."""
    bases = {word}
    if word in IRREGULAR:
        bases.add(IRREGULAR[word])
    elif word.isalpha() and len(word) > 3:
        bases |= _plural(word) | _participle(word, "ing") | _participle(word, "ed")
        bases |= {word[:-2]} if word.endswith("ly") and len(word) > 5 else set()
    american = {
        b.replace("isation", "ization").replace("ise", "ize") for b in bases if "is" in b and len(b) > 5
    }
    bases |= american
    return frozenset(bases | {_HEADS[b] for b in bases if b in _HEADS})


def _plural(word: str) -> set[str]:
    if word.endswith("ies") and len(word) > 4:
        return {word[:-3] + "y", word[:-1]}
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return {word[:-2]}
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return {word[:-1]}
    return set()


def _participle(word: str, ending: str) -> set[str]:
    stem = word.removesuffix(ending)
    if stem == word or len(stem) < 3 or not _VOWELS & set(stem):
        return set()
    bases = {stem, stem + "e"}
    if stem[-1] == stem[-2] and (stem[-1] not in "sl" or stem in _DOUBLED):
        bases.add(stem[:-1])
    if ending == "ed" and stem.endswith("i"):
        bases = {stem[:-1] + "y"}
    return bases
