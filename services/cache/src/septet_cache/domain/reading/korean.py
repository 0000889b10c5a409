"""Reader of Korean questions, by particles and endings, without a morphological analyser."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from septet_cache.domain.reading import korean_words as words
from septet_cache.domain.reading.inflection import lemmas
from septet_cache.domain.reading.korean_forms import canonical
from septet_cache.domain.reading.korean_kind import kind_of
from septet_cache.domain.reading.model import Kind, Reading, Term
from septet_cache.domain.reading.quantities import quantities
from septet_cache.domain.reading.thesaurus import SYNONYMS

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_.+#]*|[가-힣ㄱ-ㅎㅏ-ㅣ]+|\d+(?:[.,]\d+)*")
_FOREIGN_WITH_PARTICLE = re.compile(r"([A-Za-z0-9_+#)\"'])(?=[가-힣])")
_NEGATION = re.compile(words.NEGATION)
_CONJUNCTIONS = ("이랑", "와", "과", "랑")
_COMPARING = ("difference", "similarity")
_GRAMMAR = re.compile(
    r"(?:이?란|이?라는|인가요?|입니까|이에요|예요|[은는]요|[년월일시분초개명번회살원도만].{0,3})"
)
_ASPECTS = tuple((re.compile(pattern), name) for pattern, name in words.ASPECTS)
_VOICES = tuple((re.compile(pattern), name) for pattern, name in words.VOICES)
_MODALS = tuple((re.compile(pattern), name) for pattern, name in words.MODALS)
_JAMO_ENDINGS = tuple(
    sorted(
        {unicodedata.normalize("NFD", e.translate(str.maketrans("ㄴㄹㅁㅂㅆ", "ᆫᆯᆷᆸᆻ"))) for e in words.ENDINGS},
        key=len,
        reverse=True,
    )
)
_WITHOUT_MODALS = frozenset({"how", "duration", "price"})
_MIN_STEM_JAMO = 2
#: Particles that may follow a noun of one syllable. Others often belong to the noun (회의, 나이, 휴가).
_SHORT_PARTICLES = frozenset("을를은는와")
_SHORT_NOUN = 2
#: Words that the way of doing something implies. "수영 신청 방법" is not "수영 방법", and "충돌 해결 방법" not "충돌 방법".
_ACTION_OF_WAY = re.compile(
    rf"(?:(?<=(?:{words.APPLIED_FOR}) )신청|(?<=때 )해결)[은을이]?\s*(?:하는\s*)?(?:방법|방식|절차|법|어떻게\s*[하해합할])"
)
#: Particles of a noun that belongs to the next word ("시간 여행", "위치를 추적하는").
_DEPENDENT = frozenset({"", "의", "을", "를"})
#: "어디에 보내나요" asks for the target, "어디서 보내나요" for the place of the sender.
_TARGET = re.compile(r"어디에(?:다가?)?\s+(?:보내|보낼|보냅|전화|연락|전송|발송|송금|이체|입금)")
#: Roles that a particle after a question word may give; the question word has its own role instead.
_BESIDE_QUESTION_WORDS = frozenset({"", "topic", "subject"})
_COPULAS = frozenset(
    unicodedata.normalize("NFD", e) for e in ("인가요", "인가", "인지", "입니까", "예요", "이에요", "이야")
)
_COPULA = re.compile(r"(?:이야|야|예요|에요|이에요|인가요?|인지|입니까|이죠|죠|지|니|냐|일까요?)$")
_HONORIFIC = unicodedata.normalize("NFD", "시")
_HEADS = SYNONYMS["ko"]
_VERBALISERS = tuple(unicodedata.normalize("NFD", v)[:2] for v in ("하", "해", "되", "돼", "시키"))


def read(text: str) -> Reading:
    """Read a Korean question, including its foreign words."""
    original, text = text, canonical(text)
    tokens = tuple(_TOKEN.findall(text))
    followed = {m.end(1) for m in _FOREIGN_WITH_PARTICLE.finditer(text)}
    kind = kind_of(text)
    terms = tuple(_terms(text, followed, words.LIGHT_BY_KIND.get(kind, frozenset())))
    aspects = frozenset(name for pattern, name in _ASPECTS if pattern.search(text))
    return Reading(
        text=original,
        language="ko",
        kind=kind,
        terms=terms,
        tokens=tuple(t.lower() for t in tokens),
        quantities=quantities(text),
        negations=len(_NEGATION.findall(text)),
        aspects=aspects,
        qualifiers=_qualifiers(text, tokens, kind),
        exchangeable=_exchangeable(terms, compares=not aspects.isdisjoint(_COMPARING)),
    )


def _terms(text: str, followed: set[int], repeated: frozenset[str]) -> list[Term]:
    """Return the content words; words that only repeat the question type are light."""
    found: list[Term] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token[0].isdigit():
            continue
        if token[0].isascii():
            particle = _particle_at(text, match.end()) if match.end() in followed else ""
            forms = _canonical(lemmas(token.lower()))
            role = words.PARTICLES.get(particle, "")
            found.append(Term(token.lower() + particle, forms, role=role, phrase=match.start(), name=True))
            continue
        if match.start() in followed and (token in words.PARTICLES or _GRAMMAR.fullmatch(token)):
            continue
        if term := _native(token, match.start()):
            is_action = _ACTION_OF_WAY.match(text, match.start()) is not None
            role = "into" if _TARGET.match(text, match.start()) else term.role
            found.append(replace(term, role=role, light=term.light or is_action))
    return _lightened(found, repeated)


def _lightened(terms: list[Term], repeated: frozenset[str]) -> list[Term]:
    """Mark words in ``repeated`` as light, except before a word with content.

    "기간" only repeats the question type in "시험 기간은 언제", but not in "기간 연장은 언제".
    """
    found: list[Term] = []
    for term in reversed(terms):
        forms = term.forms & repeated
        is_before_content = bool(found) and not found[-1].light
        is_dependent = is_before_content and any(term.surface.removeprefix(f) in _DEPENDENT for f in forms)
        found.append(replace(term, light=term.light or (bool(forms) and not is_dependent)))
    return found[::-1]


def _exchangeable(terms: tuple[Term, ...], *, compares: bool) -> frozenset[tuple[int, int]]:
    """Return the pairs that may change places: "X와 Y", and the two sides of a comparison ("X는 Y와 다른가")."""
    found: set[tuple[int, int]] = set()
    for n, term in enumerate(terms):
        if term.surface == "vs" and 0 < n < len(terms) - 1:
            found.add((n - 1, n + 1))
        if not term.surface.endswith((*_CONJUNCTIONS, "하고") if compares else _CONJUNCTIONS):
            continue
        if n + 1 < len(terms) and terms[n + 1].surface not in {"함께", "같이"}:
            found.add((n, n + 1))
        if compares and n > 0:
            found.add((n - 1, n))
    return frozenset(found)


def _particle_at(text: str, position: int) -> str:
    tail = re.match(r"[가-힣]+", text[position:])
    return tail[0] if tail and tail[0] in words.PARTICLES else ""


def _native(token: str, phrase: int) -> Term | None:
    if token in words.BARE_ADVERBS:
        return None
    noun, particle = _split_particle(token)
    role = words.PARTICLES.get(particle, "")
    if role in _BESIDE_QUESTION_WORDS:
        role = next((r for word, r in words.QUESTION_ROLES.items() if token.startswith(word)), role)
    if noun in words.NOUNS_LIKE_VERBS or noun in words.DEVICES:
        return Term(token, _canonical(frozenset({noun})), role=role, phrase=phrase)
    stem = _stem(token)
    stems = {stem, noun, _stem(noun)} - {""}
    if not stems:
        return None
    if token[-1] in _SHORT_PARTICLES and len(token) == _SHORT_NOUN:
        stems.add(token[:-1])
    light = not words.LIGHT.isdisjoint({token, noun}) or _is_light_verb(token, stem)
    return Term(token, _canonical(frozenset(stems)), role=role, phrase=phrase, light=light)


def _is_light_verb(token: str, stem: str) -> bool:
    """Whether the word is a form of 하다, 되다 or another verb with little content, or of a light word and a copula."""
    if token in words.ENDINGS and token.startswith(words.VERBALISERS) and len(token) > 1:
        return True
    without_copula = _split_particle(_COPULA.sub("", token))[0]
    return (
        stem in words.LIGHT_STEMS
        or (stem != token and stem in words.LIGHT - words.PRONOUNS)
        or without_copula in words.LIGHT
    )


def _split_particle(token: str) -> tuple[str, str]:
    for length in range(min(4, len(token) - 1), 0, -1):
        if token[-length:] in words.PARTICLES and len(token) - length >= (2 if length == 1 else 1):
            return token[:-length], token[-length:]
    return token, ""


def _stem(token: str) -> str:
    """Remove endings in jamo, so that a final consonant of the ending is removed with it.

    Text before 하-, 되- and 시키- is a noun; nothing more is removed from it.
    """
    jamo, removed = unicodedata.normalize("NFD", token), ""
    for turn in range(3):
        ending = next((e for e in _JAMO_ENDINGS if _ends(jamo, e, first=turn == 0)), None)
        if ending is None or (ending == _HONORIFIC and turn > 0 and _is_bare(removed)):
            break
        removed = ending
        jamo = jamo[: -len(ending)]
        if ending.startswith(_VERBALISERS):
            break
    stem = unicodedata.normalize("NFC", jamo)
    stem = stem[:-1] + words.CONTRACTED.get(stem[-1], stem[-1]) if stem else stem
    is_stem = len(stem) > 1 or stem in words.SHORT_STEMS or removed in _COPULAS
    return stem if is_stem else token


def _is_bare(ending: str) -> bool:
    """Whether the ending is one final consonant. "화장실" is a noun, not an honorific form of "화장"."""
    return len(ending) == 1


def _ends(jamo: str, ending: str, *, first: bool) -> bool:
    """Whether the word ends in ``ending``. A single final consonant counts only at the end of the whole word."""
    return jamo.endswith(ending) and len(jamo) - len(ending) >= _MIN_STEM_JAMO and (first or len(ending) > 1)


def _canonical(forms: frozenset[str]) -> frozenset[str]:
    return forms | {_HEADS[f] for f in forms if f in _HEADS}


def _qualifiers(text: str, tokens: tuple[str, ...], kind: Kind) -> frozenset[str]:
    found = {
        q for t in tokens for w, q in words.QUALIFIERS.items() if t == w or (len(w) > 1 and t.startswith(w))
    }
    modals = {name for pattern, name in _MODALS if pattern.search(text)}
    if kind not in _WITHOUT_MODALS:
        found |= {f"modal:{name}" for name in modals if name != "can" or kind == "yes_no"}
    found |= {name for pattern, name in _VOICES if pattern.search(text)}
    return frozenset(found | ({"only"} if re.search(r"[가-힣]만(?:\s|$)", text) else set()))
