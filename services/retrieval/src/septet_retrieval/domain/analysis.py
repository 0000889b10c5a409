"""Text analysis for lexical search: terms of passages and questions.

English is analysed like Lucene's ``EnglishAnalyzer`` (word tokens, possessive ``'s`` stripped, lower case,
33 stop words, Porter 1980). Hangul, Han and Kana runs become character bigrams (as in Lucene's
``CJKBigramFilter``). A Korean word of three or more syllables also becomes a term without its particle, because
particles are suffixes of nouns (nDCG@10 on TyDi-ko: 0.661 with bigrams alone, 0.689 with both). Identifiers become
terms in full and in parts: ``lru_cache``, ``cache`` and the full name find ``functools.lru_cache``.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import Stemmer

from septet_retrieval.domain.words import LIGHT_WORDS, PARTICLES, QUESTION_WORDS, STOP_WORDS

_HANGUL = re.compile(r"[가-힣]{3,}\Z")
_KOREAN = re.compile(r"[가-힣]{2,}\Z")


def _closed_by(final: int) -> str:
    """Return a character class of the syllables with a final consonant, which is given by its place in Unicode."""
    return f"[{''.join(map(chr, range(0xAC00 + final, 0xD7A4, 28)))}]"


_N, _L, _B = map(_closed_by, (4, 8, 17))
_QUESTION_ENDING = re.compile(
    rf"(?:습니까|{_B}니까|{_N}가요|는지요?|나요|{_L}까요|까요|(?:이에|예|[어아여해돼])요|죠)\Z"
)
# "Do" and "become" make verbs of nouns.
_LIGHT_VERB = re.compile(r"(?:[하되][였었시]?|[했됐])\Z")
_BIGRAM = "\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_BIGRAM}]+|(?:(?![{_BIGRAM}])\w)+(?:['’.](?:(?![{_BIGRAM}])\w)+)*")
_IS_BIGRAM = re.compile(rf"[{_BIGRAM}]")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_MAX_TERM = 100
_MAX_KNOWN = 40

_local = threading.local()


def analyze(text: str) -> list[str]:
    """Return the terms of ``text`` in order, with repetitions, because BM25 counts them."""
    return [term for token in _tokens(text) for term in _terms(token)]


def analyze_question(text: str) -> list[str]:
    """Return the terms of a question without question words, or all terms if no other are left."""
    kept = [token for token in _tokens(text) if token.lower() not in QUESTION_WORDS]
    return [term for token in kept for term in _terms(token)] or analyze(text)


def question_units(text: str) -> list[frozenset[str]]:
    """Return the terms of each content word of a question, so that coverage counts words and not bigrams.

    A Korean word counts without its particle or the ending of a question.
    """
    kept = [token for token in _tokens(text) if token.lower() not in QUESTION_WORDS | LIGHT_WORDS]
    bare = [stem for token in kept if (stem := _bare(token))]
    units = [frozenset(_terms(token)) for token in bare or kept] or [frozenset(analyze(text))]
    return [unit for unit in units if unit]


def _bare(token: str) -> str:
    """Return the word without its particle or ending, or nothing if one syllable remains: no bigram matches it."""
    if not _KOREAN.match(token):
        return token
    if ending := _QUESTION_ENDING.search(token):
        stem = token[: ending.start()]
        noun = _LIGHT_VERB.sub("", stem)
        stem = noun if len(noun) > 1 else stem
        return stem if len(stem) > 1 and stem not in QUESTION_WORDS | LIGHT_WORDS else ""
    if len(token) == 2:
        return "" if token[1] in "은는을를" else token
    return _without_particle(token)


def _terms(token: str) -> tuple[str, ...]:
    return _known_terms(token) if len(token) <= _MAX_KNOWN else _terms_of(token)


def _terms_of(token: str) -> tuple[str, ...]:
    kept = [word[:_MAX_TERM] for word in _words(token) if word not in STOP_WORDS]
    return tuple(_stemmer().stemWords(kept))


# A few words make up most of a text.
_known_terms = lru_cache(maxsize=32_768)(_terms_of)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(unicodedata.normalize("NFKC", text))


def _words(token: str) -> Iterator[str]:
    if not _IS_BIGRAM.match(token):
        yield from _latin(token)
        return
    yield from _bigrams(token)
    if _HANGUL.match(token):
        yield _without_particle(token)


def _without_particle(word: str) -> str:
    """Return a Korean word without its longest known particle, if two syllables remain."""
    for particle in PARTICLES:
        if word.endswith(particle) and len(word) - len(particle) >= 2:
            return word[: -len(particle)]
    return word


def _bigrams(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for i in range(len(run) - 1):
        yield run[i : i + 2]


def _latin(token: str) -> Iterator[str]:
    whole = token.lower().replace("’", "'").removesuffix("'s")
    yield whole
    if not any(map(str.isalpha, whole)):
        return
    parts = [part for piece in re.split(r"['’._]", token) for part in _camel(piece)]
    if len(parts) > 1 and max(map(len, parts)) > 1:
        for part in parts:
            if part != whole and len(part) > 1:
                yield part


def _camel(piece: str) -> list[str]:
    """Split ``OrderedDict`` into ``ordered`` and ``dict``. Names such as ``McDonald`` and ``iPhone`` are split, too."""
    if not piece.isascii() or piece.islower() or piece.isupper() or not piece.isalpha():
        return [piece.lower()]
    return [part.lower() for part in _CAMEL.findall(piece)]


def _stemmer() -> Stemmer.Stemmer:
    """Return the stemmer of this thread: Snowball's state is not thread-safe."""
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("porter")
    return _local.stemmer
