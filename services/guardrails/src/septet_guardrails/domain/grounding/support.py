"""Support of a sentence by passages: features, and a logistic regression that gives the probability.

Features of a sentence and a passage: coverage of the content words (English) or character pairs (Korean) by the
passage and by its best sentence, kept word order, numbers and names that are missing in the passage, a negation on
one side only, and the same words in reversed roles. Tables are compared row by row (``lookup``), apart from the text
around them. ``benchmarks/guardrails/calibrate_groundedness.py`` fits and
checks the weights. Cosines of MiniLM embeddings are not used: next to these features their weight has the wrong
sign on every English set.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from septet_kit.text import is_korean
from septet_kit.text.word_forms import lemma

from septet_guardrails.domain.grounding import calibration
from septet_guardrails.domain.grounding.claims import (
    CITATION,
    Reading,
    adjacent,
    names,
    read,
    topics,
    written_numbers,
)
from septet_guardrails.domain.grounding.lookup import ReadTable, log_odds, look_up, table_flaws
from septet_guardrails.domain.grounding.polarity import contradicts
from septet_guardrails.domain.grounding.tables import MAX_TABLES, split_tables
from septet_guardrails.domain.grounding.tokens import amounts, tokens
from septet_guardrails.domain.text import cached_if_short, split_sentences

_MAX_PASSAGE_SENTENCES = 60
# Each name of a claim is searched for in each passage.
_MAX_NAMES = 100
_PARTLY, _MOSTLY = 0.4, 0.75
# Fewer content words do not tell which sentence a claim repeats.
_FEW = 3
_PRONOUN = re.compile(
    r"(?:it|its|this|that|these|those|they|their|he|his|she|her)\b|(?:이는?|이들은|이곳은|그[는의]?|그녀[는의]|그들[은의])\s",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Evidence:
    """A parsed passage.

    Attributes:
        number: the passage's number in the prompt, from 1.
        title: its title and location, which support names that the text does not repeat.
        sentences: the sentences outside tables, and the long cells of tables.
        whole: all of them with the title.
        tables: the tables.
    """

    number: int
    title: str
    sentences: tuple[Reading, ...]
    whole: Reading
    tables: tuple[ReadTable, ...]

    @classmethod
    def of(cls, number: int, text: str, title: str = "", max_tables: int = MAX_TABLES) -> Evidence:
        """Parse a passage."""
        return cls(number, title, *_parsed(text, title, max_tables))

    @cached_property
    def units(self) -> Mapping[str, frozenset[str]]:
        """The units of each number; an empty one stands for a number without a unit."""
        return _units(self.whole.text)

    @cached_property
    def sentence_tokens(self) -> tuple[tuple[str, ...], ...]:
        """The tokens of each sentence."""
        return tuple(tokens(sentence.text) for sentence in self.sentences)

    @cached_property
    def bag(self) -> frozenset[str]:
        """The tokens of the text outside tables and of the title."""
        return frozenset(tokens(self.whole.text))


@cached_if_short(maxsize=256)
def _parsed(
    text: str, title: str, max_tables: int
) -> tuple[tuple[Reading, ...], Reading, tuple[ReadTable, ...]]:
    """Parse a passage by sentence, as a whole with its title, and by table.

    Cached: many questions find the same passage.
    """
    tables, prose = split_tables(text, max_tables)
    pieces = split_sentences(prose, _MAX_PASSAGE_SENTENCES)
    sentences = tuple(read(piece.text) for piece in pieces) or (read(prose),)
    return sentences, read(f"{title}\n{prose}"), tuple(map(ReadTable, tables))


@dataclass(frozen=True)
class Support:
    """How well passages support a sentence.

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
    """Return the support of a sentence of an answer by the passage that supports it best.

    Args:
        sentence: with or without citations.
        evidence: the passages.
        question: its words are neutral; a sentence that repeats them is neither supported nor contradicted by it.
    """
    if not evidence:
        return Support(0.0, None, ("there are no passages",), {})
    return max(score_passages(sentence, evidence, question), key=lambda support: support.probability)


def score_passages(sentence: str, evidence: Iterable[Evidence], question: str) -> list[Support]:
    """Return the support of a sentence by each passage, in the order of the passages."""
    parsed = _Claim.of(CITATION.sub("", sentence).strip(), question)
    return [_support(parsed, passage, question) for passage in evidence]


def _support(claim: _Claim, passage: Evidence, question: str) -> Support:
    """Return the support by the text of a passage, or by a table of it if that supports the claim better."""
    features = _features(claim, passage)
    weights = calibration.KOREAN if claim.korean else calibration.ENGLISH
    best = Support(probability_of(log_odds(features, weights)), passage.number, _flaws(features), features)
    for table in passage.tables:
        odds, found = look_up(claim.reading.text, table, passage.title, question)
        if (probability := probability_of(odds)) > best.probability or not passage.sentences[0].text:
            best = Support(probability, passage.number, table_flaws(found), found)
    return best


@dataclass(frozen=True)
class _Claim:
    """A parsed sentence of the answer.

    Attributes:
        own: character pairs that are not in the question, or all pairs if the question has them all.
        pairs: neighbouring content words.
        numbers: numbers that a passage must have.
        amounts: numbers with their units.
        named: names that are not in the question, with their stems.
    """

    reading: Reading
    korean: bool
    neutral: frozenset[str]
    own: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    numbers: frozenset[str]
    amounts: tuple[tuple[str, str], ...]
    named: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, claim: str, question: str) -> _Claim:
        reading, neutral = read(claim), read(question)
        named = ((name, lemma(name)) for name in sorted(topics(claim) | names(claim))[:_MAX_NAMES])
        return cls(
            reading,
            korean=is_korean(claim),
            neutral=neutral.bag,
            own=reading.bigrams - neutral.bigrams or reading.bigrams,
            pairs=adjacent(reading.content),
            numbers=written_numbers(claim),
            amounts=tuple(amounts(claim)),
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
        "numbers": float(not claim.numbers <= passage.whole.numbers or _has_other_unit(claim, passage)),
        "names": min(1.0, 2 * unknown / len(claim.named)) if claim.named else 0.0,
        "negation": float(
            shares[at] >= _PARTLY
            and contradicts(reading, best, korean=claim.korean, close=shares[at] >= _PARTLY + 0.2)
        ),
        "apart": _apart(claim, passage, shares),
        "swapped": float(_is_swapped(reading, best)),
    }


def _apart(claim: _Claim, passage: Evidence, shares: Sequence[float]) -> float:
    """Return how much less of the claim the sentences with one of its numbers cover than the best sentence.

    A sentence that begins with a pronoun is read with the one before it. It is 0 if no sentence mostly covers the claim,
    or if that sentence has no other number: then the claim joins sentences, and its numbers may stand in any of them.
    """
    best, gap = max(shares), 0.0
    if not claim.korean and len(claim.reading.bag) < _FEW:
        return 0.0
    if best < _MOSTLY or not passage.sentences[shares.index(best)].numbers - claim.numbers:
        return 0.0
    for number in claim.numbers:
        held = [at for at, piece in enumerate(passage.sentences) if number in piece.numbers]
        if held:
            gap = max(gap, best - max(_share_with_antecedent(passage, shares, at) for at in held))
    return gap


def _share_with_antecedent(passage: Evidence, shares: Sequence[float], at: int) -> float:
    if at and _PRONOUN.match(passage.sentences[at].text):
        return max(shares[at], shares[at - 1])
    return shares[at]


def _has_other_unit(claim: _Claim, passage: Evidence) -> bool:
    """Whether the passage has an amount of the claim with other units only."""
    for number, unit in claim.amounts:
        units = passage.units.get(number) if unit else None
        if units and unit not in units and "" not in units:
            return True
    return False


@cached_if_short(maxsize=256)
def _units(text: str) -> Mapping[str, frozenset[str]]:
    """Return the units of each number of a text; an empty one stands for a number without a unit."""
    units: dict[str, frozenset[str]] = {}
    for number, unit in amounts(text):
        units[number] = units.get(number, frozenset()) | {unit}
    return units


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


def _is_swapped(claim: Reading, best: Reading) -> bool:
    """Whether both sentences share two content words in opposite order around a third.

    A passive also reverses the order, so a "by" on one side only does not count.
    """
    place = {word: i for i, word in reversed(list(enumerate(best.content)))}
    shared = [word for word in dict.fromkeys(claim.content) if word in place]
    if len(shared) < 3 or (" by " in f" {claim.text} ") != (" by " in f" {best.text} "):
        return False
    first, last = shared[0], shared[-1]
    between = [word for word in shared[1:-1] if place[last] < place[word] < place[first]]
    return bool(between) and len(shared) >= 0.8 * len(claim.bag)


def probability_of(odds: float) -> float:
    """Return the probability of log-odds."""
    return round(1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds)))), 4)


def _flaws(features: Mapping[str, float]) -> tuple[str, ...]:
    descriptions = {
        "numbers": "a number that the passages do not have",
        "names": "a name that the passages do not have",
        "negation": "denied on one side only",
        "swapped": "roles reversed",
        "apart": "a number that stands apart from its subject",
    }
    flaws = [text for name, text in descriptions.items() if features[name] >= 0.5]
    if features["passage"] < 0.6:
        flaws.append("words that the passages do not have")
    return tuple(flaws)
