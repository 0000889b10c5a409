"""Reader of Korean questions, by particles and endings, without a morphological analyser."""

from __future__ import annotations

import re
import unicodedata

from septet_cache.domain.reading import korean_words as words
from septet_cache.domain.reading.inflection import lemmas
from septet_cache.domain.reading.korean_kind import kind_of
from septet_cache.domain.reading.model import Kind, Reading, Term
from septet_cache.domain.reading.quantities import quantities
from septet_cache.domain.reading.thesaurus import SYNONYMS

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_.+#]*|[가-힣ㄱ-ㅎㅏ-ㅣ]+|\d+(?:[.,]\d+)*")
_FOREIGN_WITH_PARTICLE = re.compile(r"([A-Za-z0-9_+#)\"'])(?=[가-힣])")
_NEGATION = re.compile(words.NEGATION)
_SYMMETRIC = re.compile(r"차이|비교|다른\s*점|공통|vs|사이|와\s|과\s|랑\s|하고\s")
_GRAMMAR = re.compile(
    r"(?:이?란|이?라는|인가요?|입니까|이에요|예요|[은는]요|[년월일시분초개명번회살원도만].{0,3})"
)
_ASPECTS = tuple((re.compile(pattern), name) for pattern, name in words.ASPECTS)
_MODALS = tuple((re.compile(pattern), name) for pattern, name in words.MODALS)
_JAMO_ENDINGS = tuple(
    sorted(
        {unicodedata.normalize("NFD", e.translate(str.maketrans("ㄴㄹㅁㅂㅆ", "ᆫᆯᆷᆸᆻ"))) for e in words.ENDINGS},
        key=len,
        reverse=True,
    )
)
_MIN_STEM_JAMO = 2
_HEADS = SYNONYMS["ko"]
_VERBALISERS = tuple(unicodedata.normalize("NFD", v)[:2] for v in ("하", "해", "되", "돼", "시키"))


def read(text: str) -> Reading:
    """Read a Korean question, including its foreign words."""
    tokens = tuple(_TOKEN.findall(text))
    followed = {m.end(1) for m in _FOREIGN_WITH_PARTICLE.finditer(text)}
    terms = tuple(_terms(text, followed))
    kind = kind_of(text)
    return Reading(
        text=text,
        language="ko",
        kind=kind,
        terms=terms,
        tokens=tuple(t.lower() for t in tokens),
        quantities=quantities(text),
        negations=len(_NEGATION.findall(text)),
        aspects=frozenset(name for pattern, name in _ASPECTS if pattern.search(text)),
        qualifiers=_qualifiers(text, tokens, kind),
        symmetric=bool(_SYMMETRIC.search(text)),
    )


def _terms(text: str, followed: set[int]) -> list[Term]:
    found: list[Term] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token[0].isdigit():
            continue
        if token[0].isascii():
            particle = _particle_at(text, match.end()) if match.end() in followed else ""
            forms = _canonical(lemmas(token.lower()))
            role = words.PARTICLES.get(particle, "")
            found.append(Term(token.lower(), forms, role=role, phrase=match.start(), name=True))
            continue
        if match.start() in followed and (token in words.PARTICLES or _GRAMMAR.fullmatch(token)):
            continue
        if term := _native(token, match.start()):
            found.append(term)
    return found


def _particle_at(text: str, position: int) -> str:
    tail = re.match(r"[가-힣]+", text[position:])
    return tail[0] if tail and tail[0] in words.PARTICLES else ""


def _native(token: str, phrase: int) -> Term | None:
    noun, particle = _split_particle(token)
    stems = {_stem(token), noun, _stem(noun)} - {""}
    if not stems or token in words.BARE_ADVERBS:
        return None
    forms = _canonical(frozenset(stems))
    role = words.PARTICLES.get(particle, "")
    light = bool(forms & words.LIGHT)
    return Term(token, forms, role=role, phrase=phrase, light=light)


def _split_particle(token: str) -> tuple[str, str]:
    for length in range(min(4, len(token) - 1), 0, -1):
        if token[-length:] in words.PARTICLES and len(token) - length >= (2 if length == 1 else 1):
            return token[:-length], token[-length:]
    return token, ""


def _stem(token: str) -> str:
    """Remove endings in jamo, so that a final consonant of the ending is removed with it.

    Text before 하-, 되- and 시키- is a noun; nothing more is removed from it.
    """
    jamo = unicodedata.normalize("NFD", token)
    for turn in range(3):
        ending = next((e for e in _JAMO_ENDINGS if _ends(jamo, e, first=turn == 0)), None)
        if ending is None:
            break
        jamo = jamo[: -len(ending)]
        if ending.startswith(_VERBALISERS):
            break
    stem = unicodedata.normalize("NFC", jamo)
    return stem[:-1] + words.CONTRACTED.get(stem[-1], stem[-1]) if stem else stem


def _ends(jamo: str, ending: str, *, first: bool) -> bool:
    """Whether the word ends in ``ending``. A single final consonant counts only at the end of the whole word."""
    return jamo.endswith(ending) and len(jamo) - len(ending) >= _MIN_STEM_JAMO and (first or len(ending) > 1)


def _canonical(forms: frozenset[str]) -> frozenset[str]:
    return forms | {_HEADS[f] for f in forms if f in _HEADS}


def _qualifiers(text: str, tokens: tuple[str, ...], kind: Kind) -> frozenset[str]:
    found = {
        q for t in tokens for w, q in words.QUALIFIERS.items() if t == w or (len(w) > 1 and t.startswith(w))
    }
    if kind != "how":
        found |= {f"modal:{name}" for pattern, name in _MODALS if pattern.search(text)}
    return frozenset(found | ({"only"} if re.search(r"[가-힣]만(?:\s|$)", text) else set()))
