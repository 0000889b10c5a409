"""Support of a sentence by passages: features, and a logistic regression that gives the probability.

Features of a sentence and a passage: coverage of the content words (English) or character pairs (Korean) by the
passage and by its best sentence, kept word order, numbers and names that are missing in the passage, a negation on
one side only, and the same words in reversed roles. ``benchmarks/guardrails/calibrate_groundedness.py`` fits and
checks the weights. Cosines of MiniLM embeddings are not used: next to these features their weight has the wrong
sign on every English set.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from septet_kit.text import is_korean

from septet_guardrails.domain.grounding import calibration
from septet_guardrails.domain.grounding.claims import (
    CITATION,
    Reading,
    adjacent,
    denies_korean,
    names,
    read,
    stem,
    topics,
    written_numbers,
)
from septet_guardrails.domain.text import split_sentences

_MAX_PASSAGE_SENTENCES = 60


@dataclass(frozen=True)
class Evidence:
    """A passage with its number in the prompt (1-based) and its parsed sentences."""

    number: int
    text: str
    sentences: tuple[Reading, ...]
    whole: Reading

    @classmethod
    def of(cls, number: int, text: str, title: str = "") -> Evidence:
        """Parse a passage. Its title supports names that the text does not repeat."""
        sentences, whole = _parsed(text, title)
        return cls(number, text, sentences, whole)


@lru_cache(maxsize=1024)
def _parsed(text: str, title: str) -> tuple[tuple[Reading, ...], Reading]:
    """Parse a passage by sentence and as a whole with its title. Cached: many questions find the same passage."""
    pieces = split_sentences(text, _MAX_PASSAGE_SENTENCES)
    return tuple(read(p.text) for p in pieces) or (read(text),), read(f"{title}\n{text}")


@dataclass(frozen=True)
class Support:
    """How well the passages support a sentence.

    Attributes:
        probability: of being supported, 0 to 1.
        passage: number of the passage that supports it best.
        flaws: reasons for a low probability.
        features: values for that passage.
    """

    probability: float
    passage: int | None
    flaws: tuple[str, ...]
    features: Mapping[str, float]


def score_sentence(sentence: str, evidence: Sequence[Evidence], question: str) -> Support:
    """Score one sentence of an answer.

    Args:
        sentence: with or without citations.
        evidence: the passages.
        question: its words are neutral; a sentence that repeats them is neither supported nor contradicted by it.
    """
    claim = CITATION.sub("", sentence).strip()
    if not evidence:
        return Support(0.0, None, ("there are no passages",), {})
    parsed = _Claim.of(claim, question)
    scored = [(_features(parsed, passage), passage.number) for passage in evidence]
    weights = calibration.KOREAN if parsed.korean else calibration.ENGLISH
    features, number = max(scored, key=lambda pair: _probability(pair[0], weights))
    return Support(round(_probability(features, weights), 4), number, _flaws(features), features)


@dataclass(frozen=True)
class _Claim:
    """A parsed sentence of the answer.

    Attributes:
        own: character pairs that are not in the question, or all pairs if the question has them all.
        pairs: neighbouring content words.
        named: names that are not in the question, with their stems.
    """

    reading: Reading
    korean: bool
    neutral: frozenset[str]
    own: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    numbers: frozenset[str]
    named: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, claim: str, question: str) -> _Claim:
        reading, neutral = read(claim), read(question)
        named = ((name, stem(name)) for name in topics(claim) | names(claim))
        return cls(
            reading,
            korean=is_korean(claim),
            neutral=neutral.bag,
            own=reading.bigrams - neutral.bigrams or reading.bigrams,
            pairs=adjacent(reading.content),
            numbers=written_numbers(claim),
            named=tuple((name, stemmed) for name, stemmed in named if stemmed not in neutral.bag),
        )


def _features(claim: _Claim, passage: Evidence) -> dict[str, float]:
    reading = claim.reading
    if claim.korean:
        shares = [_share(claim.own, piece.bigrams) for piece in passage.sentences]
        whole = _share(claim.own, passage.whole.bigrams)
    else:
        shares = [_coverage(reading.content, piece.bag, claim.neutral) for piece in passage.sentences]
        whole = _coverage(reading.content, passage.whole.bag, claim.neutral)
    at = max(range(len(shares)), key=shares.__getitem__)
    best, lowered = passage.sentences[at], passage.whole.text.lower()
    unknown = sum(stemmed not in passage.whole.bag and name not in lowered for name, stemmed in claim.named)
    return {
        "sentence": shares[at],
        "passage": whole,
        "order": _share(claim.pairs, adjacent(best.content)) if len(reading.content) > 1 else shares[at],
        "numbers": float(not claim.numbers <= passage.whole.numbers),
        "names": min(1.0, 2 * unknown / len(claim.named)) if claim.named else 0.0,
        "negation": float(shares[at] >= 0.4 and _is_denied(reading, best, claim.korean)),
        "swapped": float(_is_swapped(reading, best)),
    }


def _coverage(stems: Sequence[str], bag: frozenset[str], neutral: frozenset[str]) -> float:
    """Share of the sentence's own content words that are in the bag.

    0.5 if the sentence only repeats the question, 1 if it has no content words.
    """
    own = [word for word in stems if word not in neutral or word in bag]
    if not own:
        return 0.5 if stems else 1.0
    return sum(word in bag for word in own) / len(own)


def _share(of: frozenset[str] | frozenset[tuple[str, str]], among: Iterable[object]) -> float:
    present = among if isinstance(among, frozenset) else frozenset(among)
    return len(of & present) / len(of) if of else 1.0


def _is_denied(claim: Reading, best: Reading, korean: bool) -> bool:
    """Whether one sentence negates what the other states."""
    if korean:
        return denies_korean(claim.text) != denies_korean(best.text)
    return bool((claim.denied ^ best.denied) & claim.bag & best.bag)


def _is_swapped(claim: Reading, best: Reading) -> bool:
    """Whether both sentences share two content words in opposite order around a third.

    A passive also reverses the order, so a "by" on one side only does not count.
    """
    shared = [word for word in dict.fromkeys(claim.content) if word in best.bag]
    if len(shared) < 3 or (" by " in f" {claim.text} ") != (" by " in f" {best.text} "):
        return False
    place = {word: i for i, word in reversed(list(enumerate(best.content)))}
    first, last = shared[0], shared[-1]
    between = [word for word in shared[1:-1] if place[last] < place[word] < place[first]]
    return bool(between) and len(shared) >= 0.8 * len(claim.bag)


def _probability(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    total = weights["bias"] + sum(weights[name] * value for name, value in features.items())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def _flaws(features: Mapping[str, float]) -> tuple[str, ...]:
    descriptions = {
        "numbers": "a number that the passages do not have",
        "names": "a name that the passages do not have",
        "negation": "denied on one side only",
        "swapped": "roles reversed",
    }
    flaws = [text for name, text in descriptions.items() if features[name] >= 0.5]
    if features["passage"] < 0.6:
        flaws.append("words that the passages do not have")
    return tuple(flaws)
