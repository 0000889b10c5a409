"""Base forms of English and Korean words, so that forms of one word compare equal.

English lemmas come from simplemma's dictionary: *ran* and *running* become *run*, while *operator* and *operation* stay
two words. Korean words lose their particles and the endings of their predicates by a list, without a morphological
analyser. ``benchmarks/text`` compares both with other rules and libraries.
"""

from __future__ import annotations

import re
from functools import lru_cache

from simplemma.strategies import DefaultStrategy

# Longer words are names, addresses or noise. They are neither looked up nor cached.
_LONGEST = 32
_POSSESSIVE = ("'s", "’s")
_ENGLISH = DefaultStrategy(low_memory=True)
# Reads the dictionary at import (0.2 s) and not within the first request.
_ENGLISH.get_lemma("words", "en")

_LONG_PARTICLES = """
으로부터 에게서 에서는 으로는 에서 에게 까지 부터 으로 처럼 보다 에는 와의 과의
"""
_SHORT_PARTICLES = "은는이가을를의에와과도로만"
_PREDICATES = """
이라는 이라고 라는 라고 이며 이고 이다 입니다 이었다 였다 였으며 하는 하며 하고 한다 했다 하였다 합니다 했습니다
됩니다 되었다 된다
"""
_FORMAL = """
습니다 이었습니다 였습니다 됐습니다 됐다 습니까 입니까 합니까 됩니까 이었습니까 였습니까 인가요 하나요 되나요 는가
하는가 되는가
"""
# Alone, these are nouns (authorisation, pop song) or parts of one.
_AFTER_STEM = "(?<=.)(?:인가|가요|나요)"


def _endings(predicates: str, *others: str) -> re.Pattern[str]:
    """A pattern whose leftmost match is the longest ending of a word."""
    longest_first = sorted(f"{_LONG_PARTICLES} {predicates}".split(), key=len, reverse=True)
    return re.compile(f"(?:{'|'.join([*longest_first, *others])})$")


_ENDING = _endings(_PREDICATES, f"[{_SHORT_PARTICLES}]")
# Few nouns end like a topic particle (은, 는) or an object particle (를). Nouns of two syllables end like the others:
# 회의, 결과, 평가.
_CLEAR_PARTICLES = "은는를"
_FULL_ENDING = _endings(
    f"{_PREDICATES} {_FORMAL}",
    _AFTER_STEM,
    f"[{_CLEAR_PARTICLES}]|(?:^|(?<=..))[{_SHORT_PARTICLES}]",
)


def lemma(word: str) -> str:
    """Return the base form of a lower-case English word, or the word itself if the dictionary does not know it.

    A possessive ``'s`` is removed. The plural ending of an unknown word, often a technical term, is removed as well.
    """
    return _known(word) if len(word) <= _LONGEST else word


def korean_stem(word: str, *, full: bool = False) -> str:
    """Return a Korean word without its particle or the ending of its predicate.

    The result is empty for a particle or an ending alone, as after a Latin name.

    Args:
        word: the word.
        full: also remove formal and question endings, and keep words of two syllables that may be nouns. The weights of
            groundedness are fitted without it.
    """
    return (_FULL_ENDING if full else _ENDING).sub("", word)


@lru_cache(maxsize=1 << 14)
def _known(word: str) -> str:
    base = word[:-2] if word.endswith(_POSSESSIVE) else word
    if not (base.isascii() and base.isalpha()):
        return base
    return (_ENGLISH.get_lemma(base, "en") or _singular(base)).lower()


def _singular(word: str) -> str:
    """S-stemmer (Harman 1991, "How effective is suffixing?"): plural endings only."""
    if word.endswith("ies") and not word.endswith(("eies", "aies")) and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")) and len(word) > 3:
        return word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")) and len(word) > 3:
        return word[:-1]
    return word
